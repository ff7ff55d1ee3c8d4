import { SluiceError } from '@sluice/errors';
import { accountsPerSlice, lastBlockedKey, type Snapshot, type Steps, slice } from '@sluice/registry-protocol';
import type { SigningRules } from './signing-rules.js';

/**
 * Before rules count, and so before they are acknowledged: would step 7 decide by what the snapshot says? Asked of the
 * rules as step 7 asks them, for everything that can be taken away: a CA, a profile, an account, its right to a profile,
 * a key. Throws `internal` with the first that differs.
 */
export function* testRules(rules: SigningRules, snapshot: Snapshot, keyGroup: string): Steps<void> {
  const expect = (holds: boolean, what: string): void => {
    if (!holds)
      throw new SluiceError('internal', `The rules made of epoch ${snapshot.epoch} differ from it in ${what}`);
  };
  expect(String(rules.epoch) === snapshot.epoch, 'the epoch');
  const cas = snapshot.cas.filter((ca) => ca.keyGroup === keyGroup);
  expect(rules.cas.size === cas.length, 'the number of CAs');
  for (const { name, state } of cas) expect(rules.cas.get(name)?.state === state, `CA ${name}`);
  expect(rules.profiles.size === snapshot.profiles.length, 'the number of profiles');
  for (const { name, state, ca } of snapshot.profiles) {
    const profile = rules.profiles.get(name);
    expect(profile?.ca === ca && profile.enabled === (state === 'enabled'), `profile ${name}`);
  }
  expect(rules.accounts.size === snapshot.accounts.length, 'the number of accounts');
  yield* slice(snapshot.accounts, accountsPerSlice, ({ name, state, profiles }) => {
    const account = rules.accounts.get(name);
    const same =
      account?.profiles.size === new Set(profiles).size && profiles.every((one) => account.profiles.has(one));
    expect(same && account.enabled === (state === 'enabled'), `account ${name}`);
  });
  const { count, keyHash } = lastBlockedKey(snapshot);
  const blocked = keyHash === undefined || rules.blockedKeys.has(keyHash);
  expect(rules.blockedKeys.size === count && blocked, 'the blocked keys');
}
