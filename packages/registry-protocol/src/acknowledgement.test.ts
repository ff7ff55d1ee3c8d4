import { expect, it } from 'vitest';
import {
  type Applied,
  acknowledgementBodySchema,
  acknowledgementProof,
  provesApplied,
  refusalText,
} from './acknowledgement.js';

const applied: Applied = {
  name: 'signer-1',
  incarnation: 7n,
  epoch: 12n,
  digest: Buffer.alloc(32, 1),
  streamNonce: Buffer.alloc(16, 2),
};

it('proves what it was made for', () => {
  expect(provesApplied(acknowledgementProof(applied), applied)).toBe(true);
  expect(provesApplied('', applied)).toBe(false);
});

it.each<[string, Partial<Applied>]>([
  ['another name', { name: 'signer-2' }],
  ['another incarnation', { incarnation: 8n }],
  ['another epoch', { epoch: 13n }],
  ['a state that is not held', { digest: Buffer.alloc(32, 3) }],
  ['another stream', { streamNonce: Buffer.alloc(16, 4) }],
  ['a name that runs into the incarnation', { name: 'signer-1\n7', incarnation: 12n }],
])('and not for %s', (_, other) => {
  expect(provesApplied(acknowledgementProof(applied), { ...applied, ...other })).toBe(false);
});

it('a refusal tells its reason within bounds, and never comes with a proof', () => {
  const about = { incarnation: '1', epoch: '2' };
  const refused = { code: 'lint-failed', reason: refusalText(`a\u001b[2Jb${'x'.repeat(1000)}`) };
  expect(acknowledgementBodySchema.parse({ ...about, refused })).toEqual({ ...about, refused });
  expect(refused.reason).toMatch(/^a \[2Jbx+$/);
  const proof = acknowledgementProof(applied);
  expect(acknowledgementBodySchema.safeParse({ ...about, refused, proof }).success).toBe(false);
  expect(acknowledgementBodySchema.safeParse({ ...about, epoch: '-1', proof }).success).toBe(false);
});
