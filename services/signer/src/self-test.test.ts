import { atOnce } from '@sluice/registry-protocol';
import { beforeEach, expect, it } from 'vitest';
import { testRules } from './self-test.js';
import type { SigningRules } from './signing-rules.js';
import { createTestSigner, type TestSigner } from './testing/test-signer.js';

let signer: TestSigner;
beforeEach(async () => {
  signer = await createTestSigner();
});

it('finds nothing in rules that say what the snapshot says', () => {
  expect(() => atOnce(testRules(signer.templates.rules(), signer.snapshot, 'default'))).not.toThrow();
});

it.each<[string, (rules: SigningRules) => Partial<SigningRules>]>([
  ['the epoch', () => ({ epoch: 0n })],
  ['the number of CAs', () => ({ cas: new Map() })],
  ['CA fast', ({ cas }) => ({ cas: new Map([...cas].map(([name, ca]) => [name, { ...ca, state: 'disabled' }])) })],
  [
    'profile tls',
    () => ({
      profiles: new Map([
        ['tls', { enabled: false, ca: 'fast' }],
        ['documents', { enabled: true, ca: 'slow' }],
      ]),
    }),
  ],
  ['account acme', () => ({ accounts: new Map([['acme', { enabled: true, profiles: new Set(['tls', 'x']) }]]) })],
  ['the blocked keys', () => ({ blockedKeys: new Set(['00']) })],
])('finds what differs: %s', (what, wrong) => {
  const rules = signer.templates.rules();
  expect(() => atOnce(testRules({ ...rules, ...wrong(rules) }, signer.snapshot, 'default'))).toThrow(what);
});

it('finds that the key blocked last is not among as many as there should be', () => {
  const rules = { ...signer.templates.rules(), blockedKeys: new Set(['01'.repeat(32)]) };
  const snapshot = { ...signer.snapshot, blockedKeys: Buffer.alloc(32, 2).toString('base64') };
  expect(() => atOnce(testRules(rules, snapshot, 'default'))).toThrow('the blocked keys');
});
