import { type Der, type DerNode, derTags } from './der.js';
import { oid } from './object-identifiers.js';

export type KeyAlgorithm = 'rsa' | 'ec' | 'ed25519';

/** A SubjectPublicKeyInfo taken apart as far as every algorithm has it in common. */
export interface SpkiView {
  /** `undefined` for an algorithm that no rule here knows. */
  readonly algorithm: KeyAlgorithm | undefined;
  readonly parameters: DerNode | undefined;
  /** Unused bits that the BIT STRING declares. */
  readonly unusedBits: number;
  /** Offsets of the key's octets. */
  readonly keyStart: number;
  readonly keyEnd: number;
}

const algorithms: readonly (readonly [Uint8Array, KeyAlgorithm])[] = [
  [oid('2a8648ce3d0201'), 'ec'],
  [oid('2a864886f70d010101'), 'rsa'],
  [oid('2b6570'), 'ed25519'],
];

/** Takes a SubjectPublicKeyInfo (RFC 5280 4.1.2.7) apart; `null` when it is none. */
export function readSpki(der: Der, spki: DerNode): SpkiView | null {
  if (spki.tag !== derTags.sequence) return null;
  const identifier = der.node(spki.content, spki.end);
  const bits = identifier && der.node(identifier.end, spki.end);
  if (identifier?.tag !== derTags.sequence || bits?.tag !== derTags.bitString || bits.end !== spki.end) return null;
  const type = der.node(identifier.content, identifier.end);
  if (type?.tag !== derTags.oid || bits.content === bits.end) return null;
  const parameters = der.node(type.end, identifier.end);
  if (parameters !== undefined && parameters.end !== identifier.end) return null;
  return {
    algorithm: algorithms.find(([octets]) => der.contentIs(type, octets))?.[1],
    parameters,
    unusedBits: der.bytes[bits.content] ?? 0,
    keyStart: bits.content + 1,
    keyEnd: bits.end,
  };
}

export interface RsaKey {
  readonly modulus: DerNode;
  readonly exponent: DerNode;
}

/** RSAPublicKey (RFC 3279 2.3.1): two positive INTEGERs; `undefined` when the key is not one in DER. */
export function readRsaKey(der: Der, spki: SpkiView): RsaKey | undefined {
  const before = der.faults.length;
  if (!der.check(spki.keyStart, spki.keyEnd) || der.faults.length > before) return undefined;
  const [modulus, exponent, more] = der.sequence(der.node(spki.keyStart, spki.keyEnd)) ?? [];
  if (modulus?.tag !== derTags.integer || exponent?.tag !== derTags.integer || more !== undefined) return undefined;
  const isPositive = (node: DerNode) => (der.bytes[node.content] ?? 0x80) < 0x80;
  return isPositive(modulus) && isPositive(exponent) ? { modulus, exponent } : undefined;
}

/** Bits of a positive INTEGER. */
export function integerBits(der: Der, node: DerNode): number {
  let at = node.content;
  while (at < node.end && der.bytes[at] === 0) at += 1;
  return 8 * (node.end - at) - Math.clz32(der.bytes[at] ?? 0) + 24;
}
