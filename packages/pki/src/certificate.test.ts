import { randomBytes, sign } from 'node:crypto';
import { expect, it } from 'vitest';
import { assembleCertificate, readCertificate, toPem } from './certificate.js';
import { makeKey } from './keys.test-support.js';
import { refusal } from './sluice-error.test-support.js';
import { createVerifier } from './verifier.js';

const ec = makeKey({ curve: 'P-256' });
const rsa = makeKey({ rsa: 2048 });

it.each([
  ['P-256', ec, rsa],
  ['RSA', rsa, ec],
] as const)('verifies our own signature and no other: %s', (_name, key, other) => {
  const tbs = randomBytes(300);
  const signature = key.sign(tbs);
  const verifier = createVerifier(key.spki);
  expect(verifier(tbs, signature)).toBe(true);
  expect(verifier(tbs.subarray(1), signature)).toBe(false);
  expect(
    verifier(tbs, makeKey('ec' === key.privateKey.asymmetricKeyType ? { curve: 'P-256' } : { rsa: 2048 }).sign(tbs)),
  ).toBe(false);
  expect(verifier(tbs, sign('sha384', tbs, key.privateKey))).toBe(false);
  for (const wrong of [other.sign(tbs), new Uint8Array(), randomBytes(64), signature.subarray(1)]) {
    expect(verifier(tbs, wrong)).toBe(false);
  }
});

it('refuses to verify with a key that is none', () => {
  refusal(() => createVerifier(randomBytes(91)), 'key-weak');
});

it('reads no certificate from anything else', () => {
  for (const bytes of [
    new Uint8Array(),
    randomBytes(20),
    Uint8Array.of(0x30, 0),
    assembleCertificate(Uint8Array.of(0x30, 0), 'ecdsa-sha256', randomBytes(70)),
  ]) {
    refusal(() => readCertificate(bytes), 'internal');
  }
});

it.each([1, 47, 48, 49, 96, 200])('writes PEM of %i octets in lines of 64', (length) => {
  const bytes = randomBytes(length);
  const lines = toPem(bytes, 'CERTIFICATE').split('\n');
  expect([lines[0], lines.at(-2), lines.at(-1)]).toEqual([
    '-----BEGIN CERTIFICATE-----',
    '-----END CERTIFICATE-----',
    '',
  ]);
  const body = lines.slice(1, -2);
  expect(body.slice(0, -1).every((line) => line.length === 64) && (body.at(-1)?.length ?? 0) > 0).toBe(true);
  expect(Buffer.from(body.join(''), 'base64').equals(bytes)).toBe(true);
  refusal(() => toPem(bytes, 'A\nB'), 'internal');
});
