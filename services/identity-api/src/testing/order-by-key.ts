import { generateKeyPairSync, hash, type KeyPairKeyObjectResult, sign } from 'node:crypto';
import { apiKey, type StartedFront } from './start-front.js';

export const newKeyPair = (): KeyPairKeyObjectResult => generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** What may be another than belongs there. */
export interface OrderByKeyOptions {
  readonly keys?: KeyPairKeyObjectResult;
  readonly signer?: KeyPairKeyObjectResult;
  readonly signed?: { readonly account?: string; readonly profile?: string; readonly nonce?: string };
  /** Who takes the nonce. */
  readonly apiKey?: string;
}

/** Takes a nonce and makes a whole order with a public key, signed as the description says. */
export async function orderByKey(front: StartedFront, options: OrderByKeyOptions = {}) {
  const { keys = newKeyPair(), signer = keys, signed = {} } = options;
  const headers = { authorization: `Bearer ${options.apiKey ?? apiKey}` };
  const taken = (await (await front.fetch('/nonce', { method: 'POST', headers })).json()) as { nonce: string };
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' });
  const { account = 'demo', profile = 'tls-client', nonce = taken.nonce } = signed;
  const lines = ['sluice-proof-1', account, profile, hash('sha256', spki, 'hex'), nonce];
  const signature = sign('sha256', Buffer.from(lines.join('\n')), signer.privateKey).toString('base64');
  return {
    profile: 'tls-client',
    subject_dn: { common_name: 'unit' },
    public_key: keys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    proof: { nonce: taken.nonce, signature },
  };
}
