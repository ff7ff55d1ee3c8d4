import { createPublicKey, hash, type KeyObject, sign } from 'node:crypto';
import { SluiceError } from '@sluice/errors';

/** What `POST /nonce` gives. */
export interface Nonce {
  readonly nonce: string;
  /** The account's name, as it is signed over. */
  readonly account: string;
}

/** What an order carries in place of a CSR. */
export interface ProvenKey {
  /** SubjectPublicKeyInfo, PEM. */
  readonly public_key: string;
  readonly proof: { readonly nonce: string; readonly signature: string };
}

export function readNonce({ nonce, account }: Readonly<Record<string, unknown>>): Nonce | undefined {
  return typeof nonce === 'string' && typeof account === 'string' ? { nonce, account } : undefined;
}

/**
 * Shows that we have the private half of a key, as POST /identity describes it: five lines, signed. Throws `key-weak`
 * for a key that is not private, or of a kind that no profile takes.
 */
export function provePossession(key: KeyObject, profile: string, { nonce, account }: Nonce): ProvenKey {
  const digest = digestOf(key);
  const publicKey = createPublicKey(key);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const lines = ['sluice-proof-1', account, profile, hash('sha256', spki, 'hex'), nonce];
  const signature = sign(digest, Buffer.from(lines.join('\n')), key).toString('base64');
  return { public_key: publicKey.export({ type: 'spki', format: 'pem' }).toString(), proof: { nonce, signature } };
}

const digestsByCurve: Readonly<Record<string, string>> = {
  prime256v1: 'sha256',
  secp384r1: 'sha384',
  secp521r1: 'sha512',
};

/** `null`: Ed25519 takes the message as it is. Throws `key-weak`. */
export function digestOf({ type, asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | null {
  if (type !== 'private') throw new SluiceError('key-weak', '`key` is not a private key');
  if (asymmetricKeyType === 'ed25519') return null;
  if (asymmetricKeyType === 'rsa') return 'sha256';
  const digest = digestsByCurve[asymmetricKeyDetails?.namedCurve ?? ''];
  if (digest === undefined) throw new SluiceError('key-weak', '`key` is of a kind that is not certified here');
  return digest;
}
