import { hash, verify } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { importSubjectKey } from './check-public-key.js';
import { type KeyKind, signatureOf, signatureTable } from './key-table.js';
import { octetsOfBase64, pemReader } from './pem.js';
import { readPublicKey } from './public-key.js';

/** Characters of a public key as it is sent; RSA of 4096 bits takes 800. */
export const publicKeyCharactersMax = 4096;

/** A public key as brought, by its form only. */
export interface BroughtKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly keyKind: KeyKind;
}

/** What a proof of possession binds together. */
export interface ProofMessage {
  readonly account: string;
  readonly profile: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** As the server gave it. */
  readonly nonce: string;
}

const readPem = pemReader('PUBLIC KEY');

/** Reads a SubjectPublicKeyInfo (RFC 5280 4.1.2.7): PEM or base64 of the DER. Throws `key-weak`, as `readPublicKey` does. */
export function parsePublicKey(text: string): BroughtKey {
  const spki = text.length > publicKeyCharactersMax ? undefined : readPem(text);
  if (spki === undefined) throw new SluiceError('key-weak', 'the public key is neither PEM nor base64');
  return { spki, keyKind: readPublicKey(spki).kind };
}

/**
 * What is signed to prove that one has a key: five lines of ASCII, a line feed between them and none at the end. The
 * first line says what the signature is for, so that it is good for nothing else. No account, profile or nonce has a
 * line feed in it, so no two sets of parts give the same text.
 */
export function proofMessage({ account, profile, spki, nonce }: ProofMessage): Uint8Array {
  return Buffer.from(['sluice-proof-1', account, profile, hash('sha256', spki, 'hex'), nonce].join('\n'), 'utf8');
}

/**
 * Proof of possession: `signature` (base64) over the message is by that key; and the dear checks of the key, as with a
 * CSR (`blocked`: `publicKeyHash` of keys that nobody may use again). How a key signs follows from its kind, as in
 * `signatureTable`: ECDSA in DER with the SHA-2 of its curve, RSA with PKCS#1 v1.5 and SHA-256, Ed25519. Throws
 * `proof-invalid`, `key-weak` or `key-blocked`. Whether the nonce is one of ours is the caller's to know.
 */
export async function verifyProof(
  message: ProofMessage,
  signature: string,
  blocked?: Pick<ReadonlySet<string>, 'has' | 'size'>,
): Promise<void> {
  const octets = octetsOfBase64(signature);
  if (octets === undefined) throw new SluiceError('proof-invalid', 'the signature is not base64');
  const read = readPublicKey(message.spki);
  const key = await importSubjectKey(read, blocked);
  const { digest } = signatureTable[signatureOf(read.kind)];
  if (!verify(digest, proofMessage(message), key, octets)) {
    throw new SluiceError('proof-invalid', 'the signature is not one by this key over account, profile, key and nonce');
  }
}
