import { checkProfile } from '@sluice/pki';
import { atOnce } from '@sluice/registry-protocol';
import { expect, it } from 'vitest';
import { createDirectory } from './directory.js';
import { testDirectory } from './self-test.js';
import { caValidity, snapshot } from './testing/start-front.js';

const [root, issuing] = snapshot.cas;
if (root === undefined || issuing === undefined) throw new Error('the snapshot has two CAs');
const chainLength = (cas: typeof snapshot.cas) =>
  atOnce(createDirectory({ ...snapshot, cas }, checkProfile, caValidity)).chain('issuing')?.length;

it('chains lead to the root, or there is none', () => {
  expect(chainLength([root, issuing])).toBe(2);
  expect(chainLength([issuing])).toBeUndefined();
  expect(chainLength([root, { ...issuing, certificate: null }])).toBeUndefined();
  expect(chainLength([{ ...root, certificate: null }, issuing])).toBeUndefined();
  // A circle, which no registry should make, ends.
  expect(chainLength([{ ...root, issuer: 'issuing' }, issuing])).toBeUndefined();
});

it('refuses a snapshot with a profile document that cannot be read', () => {
  const [profile] = snapshot.profiles;
  if (profile === undefined) throw new Error('the snapshot has profiles');
  const broken = { ...snapshot, profiles: [{ ...profile, document: { name: 'x' } }] };
  expect(() => atOnce(createDirectory(broken, checkProfile, caValidity))).toThrow(
    expect.objectContaining({ code: 'profile-invalid' }),
  );
});

it('is made, and tested, 256 accounts at a time', () => {
  const account = { state: 'enabled' as const, profiles: [], apiKeyHashes: [] };
  const accounts = Array.from({ length: 1024 }, (_, index) => ({ ...account, name: `account-${index}` }));
  const large = { ...snapshot, accounts };
  const steps = (work: Iterable<void>): number => [...work].length;
  expect(steps(createDirectory(large, checkProfile, caValidity))).toBe(4);
  expect(steps(testDirectory(atOnce(createDirectory(large, checkProfile, caValidity)), large))).toBe(4);
});
