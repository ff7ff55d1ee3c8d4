import { checkProfile } from '@sluice/pki';
import { expect, it } from 'vitest';
import { createDirectory } from './directory.js';
import { caValidity, snapshot } from './testing/start-front.js';

const [root, issuing] = snapshot.cas;
if (root === undefined || issuing === undefined) throw new Error('the snapshot has two CAs');
const chainLength = (cas: typeof snapshot.cas) =>
  createDirectory({ ...snapshot, cas }, checkProfile, caValidity).chain('issuing')?.length;

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
  expect(() => createDirectory(broken, checkProfile, caValidity)).toThrow(
    expect.objectContaining({ code: 'profile-invalid' }),
  );
});
