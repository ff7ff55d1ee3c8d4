import { createPublicKey, type KeyObject } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { type PublicKey, readRsaPublicKey } from './public-key.js';

/**
 * Imports a public key into node:crypto, which checks that a point lies on its curve; RSA moduli are checked against
 * small factors and the ROCA fingerprint. Throws `key-weak`. A P-256 key goes in as JWK: that is three times faster
 * than DER, whose decoder tries every format it knows.
 */
export function importPublicKey(key: PublicKey): KeyObject {
  if (key.kind !== 'ec-p256') checkModulus(readRsaPublicKey(key.bits).modulus);
  try {
    if (key.kind === 'ec-p256') {
      const point = Buffer.from(key.bits.buffer, key.bits.byteOffset, key.bits.length);
      const x = point.toString('base64url', 1, 33);
      const y = point.toString('base64url', 33, 65);
      return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
    }
    const { modulus, exponent } = readRsaPublicKey(key.bits);
    const n = Buffer.from(modulus).toString('base64url');
    const e = Buffer.from(exponent).toString('base64url');
    return createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
  } catch (cause) {
    throw new SluiceError('key-weak', 'the public key is not a valid one of its kind', { cause });
  }
}

/** Odd primes below 752 (BR 6.1.6). */
const smallPrimes = primesBelow(752).slice(1);

/**
 * ROCA (CVE-2017-15361): moduli of a faulty generator are, modulo each of these primes, powers of 65537. By chance a
 * sound modulus is so for all of them once in 2^27 or less.
 */
const rocaResidues = new Map(
  smallPrimes
    .filter((prime) => prime <= 167)
    .map((prime) => {
      const powers = new Set<number>();
      for (let power = 1; !powers.has(power); power = (power * 65537) % prime) powers.add(power);
      return [prime, powers];
    }),
);

function checkModulus(modulus: Uint8Array): void {
  let roca = true;
  for (const prime of smallPrimes) {
    const rest = remainder(modulus, prime);
    if (rest === 0) throw new SluiceError('key-weak', `the RSA modulus is divisible by ${prime}`);
    if (roca && rocaResidues.get(prime)?.has(rest) === false) roca = false;
  }
  if (roca) throw new SluiceError('key-weak', 'the RSA key comes from a generator known as weak (ROCA)');
}

function remainder(magnitude: Uint8Array, prime: number): number {
  // Two octets at a time: 752 · 2^16 stays a small integer.
  const odd = magnitude.length % 2;
  let rest = odd === 0 ? 0 : (magnitude[0] ?? 0) % prime;
  for (let at = odd; at < magnitude.length; at += 2) {
    rest = ((rest << 16) | ((magnitude[at] ?? 0) << 8) | (magnitude[at + 1] ?? 0)) % prime;
  }
  return rest;
}

function primesBelow(limit: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; candidate < limit; candidate += 1) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}
