import { constants, createHash, sign } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toPem } from './certificate.js';
import { publicKeyHash } from './check-public-key.js';
import { makeKey, rsaSpki } from './keys.test-support.js';
import { parsePublicKey, proofMessage, verifyProof } from './possession.js';
import { refusal, rejection } from './sluice-error.test-support.js';

const kinds = {
  'ec-p256': makeKey({ curve: 'P-256' }),
  'ec-p384': makeKey({ curve: 'P-384' }),
  'ec-p521': makeKey({ curve: 'P-521' }),
  ed25519: makeKey({ curve: 'Ed25519' }),
  'rsa-2048': makeKey({ rsa: 2048 }),
};
const { 'ec-p256': ec, 'rsa-2048': rsa } = kinds;
const messageOf = (spki: Uint8Array) => ({ account: 'demo', profile: 'tls-client', spki, nonce: 'n-1_' });
const base64 = (octets: Uint8Array) => Buffer.from(octets).toString('base64');

it('is signed over five lines, as the API description says', () => {
  const keyHash = createHash('sha256').update(ec.spki).digest('hex');
  const said = Buffer.from(proofMessage(messageOf(ec.spki))).toString('latin1');
  expect(said).toBe(`sluice-proof-1\ndemo\ntls-client\n${keyHash}\nn-1_`);
});

describe.each(Object.entries(kinds))('a key of %s', (kind, key) => {
  it('is read from PEM and base64, and its proof is taken', async () => {
    for (const text of [toPem(key.spki, 'PUBLIC KEY'), base64(key.spki)]) {
      const brought = parsePublicKey(text);
      expect(brought.keyKind).toBe(kind);
      expect(Buffer.compare(brought.spki, key.spki)).toBe(0);
    }
    await verifyProof(messageOf(key.spki), base64(key.sign(proofMessage(messageOf(key.spki)))));
  });

  it('proves nothing for another account, profile, key or nonce, nor by itself when it is blocked', async () => {
    const message = messageOf(key.spki);
    const signature = base64(key.sign(proofMessage(message)));
    const others = [
      { account: 'demo2' },
      { profile: 'tls' },
      { nonce: 'n-1' },
      { spki: makeKey({ curve: 'P-256' }).spki },
    ];
    for (const other of others) await rejection(verifyProof({ ...message, ...other }, signature), 'proof-invalid');
    await rejection(verifyProof(message, signature, new Set([publicKeyHash(key.spki)])), 'key-blocked');
  });

  it('has no signature in other octets', async () => {
    const message = messageOf(key.spki);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.base64String({ minLength: 4, maxLength: 800 }), fc.string()), async (signature) => {
        await rejection(verifyProof(message, signature), 'proof-invalid');
      }),
      { numRuns: 50 },
    );
  });
});

it('takes RSA by PKCS#1 v1.5 with SHA-256 only', async () => {
  const message = messageOf(rsa.spki);
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const pss = sign('sha256', proofMessage(message), { key: rsa.privateKey, padding });
  await rejection(verifyProof(message, base64(pss)), 'proof-invalid');
  await rejection(verifyProof(message, base64(sign('sha512', proofMessage(message), rsa.privateKey))), 'proof-invalid');
});

it.each([
  ['nothing', ''],
  ['words', 'a public key'],
  ['a CSR by its label', toPem(ec.spki, 'CERTIFICATE REQUEST')],
  ['more than fits', `${toPem(ec.spki, 'PUBLIC KEY')}${' '.repeat(4096)}`],
  ['octets that follow', base64(Buffer.concat([ec.spki, Buffer.of(0)]))],
  ['RSA of 1024 bits', base64(makeKey({ rsa: 1024 }).spki)],
  ['an even modulus', base64(rsaSpki(2n ** 2047n, 65_537n))],
  ['another curve', base64(makeKey({ curve: 'secp256k1' }).spki)],
])('refuses %s', (_name, text) => {
  refusal(() => parsePublicKey(text), 'key-weak');
});

it('refuses a point that is not on its curve, though somebody signed', async () => {
  const off = Uint8Array.from(ec.spki);
  off[90] = (off[90] ?? 0) ^ 1;
  const message = messageOf(off);
  await rejection(verifyProof(message, base64(ec.sign(proofMessage(message)))), 'key-weak');
});
