import { createHmac, timingSafeEqual } from 'node:crypto';
import { SluiceError } from '@sluice/errors';

/** How long a nonce can be used. */
const lifeMs = 300_000;

const randomOctets = 16;
const expiryOctets = 6;
const macOctets = 32;

/**
 * Nonces to sign over, each for one account: expiry (milliseconds since 1970), 16 random octets, and HMAC-SHA256 over
 * both and the account; base64url. Nothing is stored, so any front end with the same secret can tell. Within its life a
 * nonce can be used again, on purpose: signed over are account, profile and key, so a second use can but order again
 * what whoever has the account's API key and that key ordered before, as with a CSR, which lasts for ever.
 */
export interface Nonces {
  give(account: string, nowMs: number): { nonce: string; expiresAt: Date };
  /** Throws `nonce-invalid` unless it was given to this account and its time is not over. */
  check(nonce: string, account: string, nowMs: number): void;
}

/**
 * `secrets`: the first makes, each is accepted; that is how they are replaced without refusing anybody.
 * `randomBytes`: that many octets nobody can guess.
 */
export function createNonces(
  secrets: readonly [Uint8Array, ...Uint8Array[]],
  randomBytes: (count: number) => Uint8Array,
): Nonces {
  const [first] = secrets;
  const macOf = (secret: Uint8Array, body: Uint8Array, account: string) =>
    createHmac('sha256', secret).update('sluice-nonce-1\n').update(body).update(account).digest();
  return {
    give(account, nowMs) {
      const body = Buffer.alloc(expiryOctets + randomOctets);
      const expiresAtMs = nowMs + lifeMs;
      body.writeUIntBE(expiresAtMs, 0, expiryOctets);
      body.set(randomBytes(randomOctets), expiryOctets);
      const nonce = Buffer.concat([body, macOf(first, body, account)]).toString('base64url');
      return { nonce, expiresAt: new Date(expiresAtMs) };
    },
    check(nonce, account, nowMs) {
      const octets = Buffer.from(nonce, 'base64url');
      const body = octets.subarray(0, expiryOctets + randomOctets);
      const mac = octets.subarray(body.length);
      const isOurs =
        mac.length === macOctets &&
        octets.toString('base64url') === nonce &&
        secrets.some((secret) => timingSafeEqual(macOf(secret, body, account), mac));
      if (!isOurs) throw new SluiceError('nonce-invalid', 'The nonce is none that was given to this account');
      if (body.readUIntBE(0, expiryOctets) < nowMs) throw new SluiceError('nonce-invalid', 'The nonce has expired');
    },
  };
}
