import { verify } from 'node:crypto';
import { importPublicKey } from './check-public-key.js';
import { readPublicKey } from './public-key.js';

/**
 * Checks signatures of one CA key (T11: our own, before anything is handed out). Imports `spki` once; throws
 * `key-weak` when that fails. The function returned takes what was signed and the signature (ECDSA as DER, RSA as
 * PKCS#1 v1.5, SHA-256) and never throws.
 */
export function createVerifier(spki: Uint8Array): (tbs: Uint8Array, signature: Uint8Array) => boolean {
  const key = importPublicKey(readPublicKey(spki));
  return (tbs, signature) => verify('sha256', tbs, key, signature);
}
