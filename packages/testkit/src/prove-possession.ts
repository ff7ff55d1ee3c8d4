import { createPublicKey, hash, type KeyObject, sign } from 'node:crypto';

/** What `POST /nonce` answers. */
export interface GivenNonce {
  readonly nonce: string;
  readonly account: string;
}

/** Takes a nonce at that front end. */
export async function takeNonce(baseUrl: string, apiKey: string): Promise<GivenNonce> {
  const headers = { authorization: `Bearer ${apiKey}` };
  return (await (await fetch(`${baseUrl}/nonce`, { method: 'POST', headers })).json()) as GivenNonce;
}

/** A public key (PEM) with a proof that we have it, as the API description tells any client to make it. */
export function provePossession(key: KeyObject, profile: string, { nonce, account }: GivenNonce) {
  const publicKey = createPublicKey(key);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const lines = ['sluice-proof-1', account, profile, hash('sha256', spki, 'hex'), nonce];
  const signature = sign(digestOf(key), Buffer.from(lines.join('\n'), 'ascii'), key).toString('base64');
  return { publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(), proof: { nonce, signature } };
}

function digestOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): 'sha256' | 'sha384' | 'sha512' | null {
  if (asymmetricKeyType === 'ed25519') return null;
  if (asymmetricKeyDetails?.namedCurve === 'secp384r1') return 'sha384';
  return asymmetricKeyDetails?.namedCurve === 'secp521r1' ? 'sha512' : 'sha256';
}
