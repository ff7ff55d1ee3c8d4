import { hash } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { DerReader, sameBytes, startsWith } from './der-reader.js';
import { tags } from './der-writer.js';
import { fixedKeys, type KeyKind } from './key-table.js';

// AlgorithmIdentifier as it stands in a SubjectPublicKeyInfo, whole: nothing else is accepted.
const rsa = Buffer.from('300d06092a864886f70d0101010500', 'hex');
const ecPublicKeyOid = Buffer.from('06072a8648ce3d0201', 'hex');
/** Where the SEQUENCE that is the AlgorithmIdentifier begins: after a header of two octets, or of three. */
const algorithmAt = fixedKeys.map(({ prefix }) => (prefix[1] === 0x81 ? 3 : 2));

export interface PublicKey {
  readonly kind: KeyKind;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** Content of the BIT STRING: the point, or RSAPublicKey. */
  readonly bits: Uint8Array;
}

/**
 * Reads a SubjectPublicKeyInfo by its form: one of `fixedKeyTable` (EC uncompressed, Ed25519), or RSA of 2048–4096 bits,
 * a multiple of 8, with an odd modulus and an odd exponent from 65537 (T12). Throws `key-weak`. Whether the point lies
 * on the curve and whether the modulus is one of the known bad ones costs more, and is `checkPublicKey`'s.
 */
export function readPublicKey(spki: Uint8Array): PublicKey {
  for (const { kind, family, prefix, spkiBytes } of fixedKeys) {
    if (spki.length !== spkiBytes || !startsWith(spki, prefix)) continue;
    return { kind, spki, bits: spki.subarray(family === 'ec' ? prefix.length - 1 : prefix.length) };
  }
  const reader = new DerReader(spki, 'key-weak');
  const [algorithm, key] = reader.children(reader.whole(tags.sequence, 'public key'), 'public key');
  const algorithmBytes = reader.bytesOf(reader.expect(algorithm, tags.sequence, 'key algorithm'));
  const bits = reader.bitsOf(key, 'public key');
  if (key?.end !== spki.length) throw reader.fault('public key', 'has members too many');
  if (sameBytes(algorithmBytes, rsa)) return { kind: rsaKind(bits), spki, bits };
  const near = fixedKeys.find(({ prefix }, index) => startsWith(prefix.subarray(algorithmAt[index]), algorithmBytes));
  if (near !== undefined) {
    const form = near.family === 'ec' ? `an uncompressed point of ${near.jwkCurve}` : '32 octets of Ed25519';
    throw reader.fault('public key', `is not ${form}`);
  }
  const isEc = Buffer.from(algorithmBytes).includes(ecPublicKeyOid);
  const curves = fixedKeys.filter(({ family }) => family === 'ec').map(({ jwkCurve }) => jwkCurve);
  throw reader.fault(
    'public key',
    isEc ? `is on a curve other than ${curves.join(', ')}` : 'is not EC, RSA or Ed25519',
  );
}

/** The kind of a public key given as SubjectPublicKeyInfo; for what `checkContent` asks. Throws `key-weak`. */
export function keyKindOf(spki: Uint8Array): KeyKind {
  return readPublicKey(spki).kind;
}

/** Modulus and exponent of an RSAPublicKey, magnitudes. Throws `key-weak`. */
export function readRsaPublicKey(bits: Uint8Array): { modulus: Uint8Array; exponent: Uint8Array } {
  const reader = new DerReader(bits, 'key-weak');
  const members = reader.children(reader.whole(tags.sequence, 'RSA key'), 'RSA key');
  if (members.length !== 2) throw reader.fault('RSA key', 'does not have two members');
  const modulus = reader.positiveInteger(members[0], 'RSA modulus');
  const exponent = reader.positiveInteger(members[1], 'RSA exponent');
  return { modulus, exponent };
}

function rsaKind(bits: Uint8Array): KeyKind {
  const { modulus, exponent } = readRsaPublicKey(bits);
  const size = 8 * modulus.length - Math.clz32(modulus[0] ?? 0) + 24;
  if (size < 2048 || size > 4096) throw weak(`RSA key has ${size} bits; 2048 to 4096 are accepted`);
  if (size % 8 !== 0) throw weak(`RSA key has ${size} bits, not a multiple of 8`);
  if (((modulus.at(-1) ?? 0) & 1) === 0) throw weak('RSA modulus is even');
  if (((exponent.at(-1) ?? 0) & 1) === 0) throw weak('RSA exponent is even');
  // Odd, minimal and of three octets: 65537 at least.
  if (exponent.length < 3 || exponent.length > 32) {
    throw weak('RSA exponent is not between 65537 and 2^256');
  }
  return `rsa-${size}`;
}

function weak(detail: string): SluiceError {
  return new SluiceError('key-weak', detail);
}

/** Octets of a key identifier. */
export const keyIdentifierBytes = 20;

/** RFC 7093 method 1: the left 160 bits of SHA-256 over the BIT STRING content; for SKI and AKI alike (T3). */
export function keyIdentifier(bits: Uint8Array): Uint8Array {
  return hash('sha256', bits, 'buffer').subarray(0, keyIdentifierBytes);
}
