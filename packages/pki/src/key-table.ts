/** What an algorithm hashes with; null when it hashes by itself. The form that node:crypto takes. */
export type Digest = 'sha256' | 'sha384' | 'sha512' | null;

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

/**
 * Signatures of certificates, one row each: `identifier` is the AlgorithmIdentifier, DER. RSA has an explicit NULL
 * (RFC 4055), ECDSA (RFC 5758) and Ed25519 (RFC 8410) have no parameters (O10).
 */
export const signatureTable = {
  'ecdsa-sha256': { oid: '1.2.840.10045.4.3.2', identifier: hex('300a06082a8648ce3d040302'), digest: 'sha256' },
  'ecdsa-sha384': { oid: '1.2.840.10045.4.3.3', identifier: hex('300a06082a8648ce3d040303'), digest: 'sha384' },
  'ecdsa-sha512': { oid: '1.2.840.10045.4.3.4', identifier: hex('300a06082a8648ce3d040304'), digest: 'sha512' },
  'rsa-sha256': { oid: '1.2.840.113549.1.1.11', identifier: hex('300d06092a864886f70d01010b0500'), digest: 'sha256' },
  ed25519: { oid: '1.3.101.112', identifier: hex('300506032b6570'), digest: null },
} as const satisfies Readonly<Record<string, { oid: string; identifier: Uint8Array; digest: Digest }>>;

/** Which of them a certificate carries follows from the CA's key. */
export type SignatureAlgorithm = keyof typeof signatureTable;

interface FixedKey {
  readonly family: 'ec' | 'ed25519';
  /** SubjectPublicKeyInfo up to where the key's own octets begin, the octet 04 of an uncompressed point included. */
  readonly prefix: Uint8Array;
  /** Octets of one coordinate; of the only one for Ed25519. */
  readonly coordinateBytes: number;
  /** `crv` of a JWK (RFC 7518, RFC 8037). */
  readonly jwkCurve: string;
  readonly signsWith: SignatureAlgorithm;
}

/**
 * Keys whose SubjectPublicKeyInfo has one form only, to the octet: everything about a kind is its row (RFC 5480,
 * RFC 8410). RSA, whose sizes vary, stands beside this in `readPublicKey`.
 */
export const fixedKeyTable = {
  'ec-p256': {
    family: 'ec',
    prefix: hex('3059301306072a8648ce3d020106082a8648ce3d03010703420004'),
    coordinateBytes: 32,
    jwkCurve: 'P-256',
    signsWith: 'ecdsa-sha256',
  },
  'ec-p384': {
    family: 'ec',
    prefix: hex('3076301006072a8648ce3d020106052b8104002203620004'),
    coordinateBytes: 48,
    jwkCurve: 'P-384',
    signsWith: 'ecdsa-sha384',
  },
  'ec-p521': {
    family: 'ec',
    prefix: hex('30819b301006072a8648ce3d020106052b810400230381860004'),
    coordinateBytes: 66,
    jwkCurve: 'P-521',
    signsWith: 'ecdsa-sha512',
  },
  ed25519: {
    family: 'ed25519',
    prefix: hex('302a300506032b6570032100'),
    coordinateBytes: 32,
    jwkCurve: 'Ed25519',
    signsWith: 'ed25519',
  },
} as const satisfies Readonly<Record<string, FixedKey>>;

type FixedKind = keyof typeof fixedKeyTable;

/** Kinds of keys that can be read here; which of them are accepted is the profile's. */
export type KeyKind = FixedKind | `rsa-${number}`;

const fixedKinds = Object.keys(fixedKeyTable) as readonly FixedKind[];
const rsaKinds = ['rsa-2048', 'rsa-3072', 'rsa-4096'] as const;

/** Kinds of keys that a profile can name. */
export const profileKeyKinds = [...fixedKinds, ...rsaKinds] as const;
export type ProfileKeyKind = (typeof profileKeyKinds)[number];

/** Kinds of keys that a CA may have. */
export const caKeyKinds = ['ec-p256', 'ec-p384', 'ed25519', ...rsaKinds] as const satisfies readonly ProfileKeyKind[];

/** May a CA have a key of this kind? */
export function isCaKeyKind(kind: KeyKind): boolean {
  return (caKeyKinds as readonly string[]).includes(kind);
}

/** Everything known of keys with one form only, in the order in which they are tried; the usual one first. */
export const fixedKeys: readonly (FixedKey & { readonly kind: FixedKind; readonly spkiBytes: number })[] =
  fixedKinds.map((kind) => {
    const row: FixedKey = fixedKeyTable[kind];
    const coordinates = row.family === 'ec' ? 2 : 1;
    return { ...row, kind, spkiBytes: row.prefix.length + coordinates * row.coordinateBytes };
  });

const rowOfKind: ReadonlyMap<string, (typeof fixedKeys)[number]> = new Map(fixedKeys.map((row) => [row.kind, row]));

/** The row of a kind; `undefined` for RSA. */
export function fixedKeyOf(kind: KeyKind): (typeof fixedKeys)[number] | undefined {
  return rowOfKind.get(kind);
}

/** What a key of this kind can be used for: EC keys agree, RSA keys encipher, all of them sign. */
export function keyFamily(kind: KeyKind): 'ec' | 'ed25519' | 'rsa' {
  return fixedKeyOf(kind)?.family ?? 'rsa';
}

/** How a key of this kind signs, as the issuer of a certificate or to prove that somebody has it. */
export function signatureOf(kind: KeyKind): SignatureAlgorithm {
  return fixedKeyOf(kind)?.signsWith ?? 'rsa-sha256';
}
