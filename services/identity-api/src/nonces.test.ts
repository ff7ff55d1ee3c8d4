import { randomBytes } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { expect, it } from 'vitest';
import { createNonces } from './nonces.js';

const old = randomBytes(32);
const fresh = randomBytes(32);
const nowMs = Date.UTC(2026, 10, 21);
const nonces = createNonces([old], randomBytes);

function fault(work: () => void): string {
  try {
    work();
    return 'none';
  } catch (thrown) {
    return thrown instanceof SluiceError ? `${thrown.code}: ${thrown.message}` : String(thrown);
  }
}

it('is good for its account until its last millisecond', () => {
  const { nonce, expiresAt } = nonces.give('demo', nowMs);
  expect(expiresAt.getTime() - nowMs).toBe(300_000);
  expect(nonce).toMatch(/^[\w-]{72}$/);
  nonces.check(nonce, 'demo', expiresAt.getTime());
  expect(fault(() => nonces.check(nonce, 'demo', expiresAt.getTime() + 1))).toMatch(/^nonce-invalid: .*expired/);
});

it('is good for no other account', () => {
  const { nonce } = nonces.give('demo', nowMs);
  for (const account of ['demo2', 'dem', '']) {
    expect(fault(() => nonces.check(nonce, account, nowMs))).toMatch(/^nonce-invalid: .*none/);
  }
});

it('is good for nothing with one bit changed, cut, lengthened, or written otherwise', () => {
  const { nonce } = nonces.give('demo', nowMs);
  const octets = Buffer.from(nonce, 'base64url');
  const changed = Array.from(octets, (_, index) => {
    const copy = Buffer.from(octets);
    copy[index] = (copy[index] ?? 0) ^ 1;
    return copy.toString('base64url');
  });
  for (const other of [...changed, '', nonce.slice(0, -1), `${nonce}A`, `${nonce}=`, ` ${nonce}`, 'é'.repeat(72)]) {
    expect(fault(() => nonces.check(other, 'demo', nowMs))).toMatch(/^nonce-invalid: .*none/);
  }
});

it('is never the same twice', () => {
  expect(new Set(Array.from({ length: 100 }, () => nonces.give('demo', nowMs).nonce)).size).toBe(100);
});

it('is good while one of the secrets made it: secrets are replaced one step at a time', () => {
  const accepting = createNonces([old, fresh], randomBytes);
  const turned = createNonces([fresh, old], randomBytes);
  const done = createNonces([fresh], randomBytes);
  const steps = [nonces, accepting, turned, done];
  steps.forEach((front, index) => {
    const { nonce } = front.give('demo', nowMs);
    for (const other of steps.slice(Math.max(0, index - 1), index + 2)) other.check(nonce, 'demo', nowMs);
  });
  expect(fault(() => done.check(nonces.give('demo', nowMs).nonce, 'demo', nowMs))).toMatch(/^nonce-invalid/);
});
