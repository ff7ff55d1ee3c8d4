import { SluiceError } from '@sluice/errors';
import { accountsPerSlice, lastBlockedKey, type Snapshot, type Steps, slice } from '@sluice/registry-protocol';
import type { Directory } from './directory.js';

/**
 * Before a directory counts, and so before it is acknowledged: would steps 1 to 3 decide by what the snapshot says?
 * Asked of the directory as they ask it, for everything that can be taken away: a CA, a profile, an account, its right
 * to a profile, a key. Throws `internal` with the first that differs.
 */
export function* testDirectory(directory: Directory, snapshot: Snapshot): Steps<void> {
  const expect = (holds: boolean, what: string): void => {
    if (!holds)
      throw new SluiceError('internal', `The directory of epoch ${snapshot.epoch} differs from it in ${what}`);
  };
  expect(directory.epoch === snapshot.epoch, 'the epoch');
  for (const { name, state, keyGroup } of snapshot.cas) {
    const ca = directory.ca(name);
    expect(ca?.state === state && ca.keyGroup === keyGroup, `CA ${name}`);
  }
  for (const { name, ca, state, revision } of snapshot.profiles) {
    const profile = directory.profile(name);
    const same = profile?.ca === ca && profile.revision === revision;
    expect(same && profile.enabled === (state === 'enabled'), `profile ${name}`);
  }
  const keys = new Set<string>();
  yield* slice(snapshot.accounts, accountsPerSlice, ({ name, state, profiles, apiKeyHashes }) => {
    for (const keyHash of apiKeyHashes) {
      const account = directory.accountByKeyHash(keyHash);
      const may =
        account?.profiles.size === new Set(profiles).size && profiles.every((one) => account.profiles.has(one));
      expect(account?.name === name && account.enabled === (state === 'enabled') && may, `account ${name}`);
      keys.add(keyHash);
    }
  });
  expect(directory.apiKeys === keys.size, 'the number of API keys');
  const { count, keyHash } = lastBlockedKey(snapshot);
  const blocked = keyHash === undefined || directory.blockedKeys.has(keyHash);
  expect(directory.blockedKeys.size === count && blocked, 'the blocked keys');
}
