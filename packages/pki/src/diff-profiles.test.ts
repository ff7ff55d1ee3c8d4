import { expect, it } from 'vitest';
import { diffProfiles } from './diff-profiles.js';
import { checkProfile } from './parse-profile.js';

const document = checkProfile({
  name: 'a',
  ca: 'b',
  purpose: 'subscriber',
  validity_seconds: 600,
  subject: { common_name: 'required', state: { static: 'Bern' } },
  keys: ['ec-p256', 'ed25519'],
  key_usage: ['digitalSignature'],
  extensions: [{ oid: '1.2.3', type: 'null' }],
});

it('finds nothing between equal documents, whatever the order of their members', () => {
  const { name, ...rest } = structuredClone(document);
  expect(diffProfiles(document, { ...rest, name })).toEqual([]);
  expect(diffProfiles(document, { ...document, description: undefined })).toEqual([]);
});

it('tells every change at its place', () => {
  const after = checkProfile({
    ...document,
    validity_seconds: 700,
    subject: { state: 'optional', locality: 'optional' },
    keys: ['ed25519', 'ec-p256'],
    extensions: [{ oid: '1.2.3', type: 'null', critical: true }],
  });
  expect(diffProfiles(document, after)).toEqual([
    {
      pointer: '/extensions',
      before: [{ oid: '1.2.3', critical: false, type: 'null' }],
      after: [{ oid: '1.2.3', critical: true, type: 'null' }],
    },
    { pointer: '/keys', before: ['ec-p256', 'ed25519'], after: ['ed25519', 'ec-p256'] },
    { pointer: '/subject/common_name', before: 'required', after: undefined },
    { pointer: '/subject/locality', before: undefined, after: 'optional' },
    { pointer: '/subject/state', before: { static: 'Bern' }, after: 'optional' },
    { pointer: '/validity_seconds', before: 600, after: 700 },
  ]);
});
