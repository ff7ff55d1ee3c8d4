import { verify } from 'node:crypto';
import { importPublicKey } from './check-public-key.js';
import { signatureOf, signatureTable } from './key-table.js';
import { readPublicKey } from './public-key.js';

/**
 * Checks signatures of one key (T11: a CA's, our own, before anything is handed out). Imports `spki` once; throws
 * `key-weak` when that fails. The function returned takes what was signed and the signature and never throws. The hash
 * follows from the key as in `signatureTable`: ECDSA as DER with the curve's own SHA-2, RSA as PKCS#1 v1.5 with SHA-256,
 * Ed25519.
 */
export function createVerifier(spki: Uint8Array): (tbs: Uint8Array, signature: Uint8Array) => boolean {
  const read = readPublicKey(spki);
  const key = importPublicKey(read);
  const { digest } = signatureTable[signatureOf(read.kind)];
  return (tbs, signature) => verify(digest, tbs, key, signature);
}
