import { checkProfile } from '@sluice/pki';
import { atOnce } from '@sluice/registry-protocol';
import { expect, it } from 'vitest';
import { createDirectory, type Directory } from './directory.js';
import { testDirectory } from './self-test.js';
import { caValidity, snapshot } from './testing/start-front.js';

const directory = atOnce(createDirectory(snapshot, checkProfile, caValidity));

it('finds nothing in a directory that says what the snapshot says', () => {
  expect(() => atOnce(testDirectory(directory, snapshot))).not.toThrow();
});

it.each<[string, Partial<Directory>]>([
  ['the epoch', { epoch: '6' }],
  ['CA root', { ca: () => undefined }],
  ['CA ca-pending', { ca: (name) => ({ ...directory.ca(name), state: 'active' }) as ReturnType<Directory['ca']> }],
  ['profile switched-off', { profile: (name) => ({ ...directory.profile(name), enabled: true }) as never }],
  ['account out', { accountByKeyHash: (hash) => ({ ...directory.accountByKeyHash(hash), enabled: true }) as never }],
  ['the number of API keys', { apiKeys: 4 }],
  ['the blocked keys', { blockedKeys: new Set(['00']) }],
])('finds what differs: %s', (what, wrong) => {
  expect(() => atOnce(testDirectory({ ...directory, ...wrong }, snapshot))).toThrow(what);
});
