import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { DerWriter, tags } from './der-writer.js';
import { fixedKeys, type SignatureAlgorithm, signatureTable } from './key-table.js';

export interface TestKey {
  readonly privateKey: KeyObject;
  readonly spki: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

/** A new key pair; `size` in bits for RSA, else a curve. */
export function makeKey(kind: { rsa: number } | { curve: string }): TestKey {
  const { privateKey, publicKey } =
    'rsa' in kind
      ? generateKeyPairSync('rsa', { modulusLength: kind.rsa })
      : kind.curve === 'Ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: kind.curve });
  const row = fixedKeys.find(({ jwkCurve }) => 'curve' in kind && jwkCurve === kind.curve);
  const algorithm = row?.signsWith ?? ('rsa' in kind ? 'rsa-sha256' : 'ecdsa-sha256');
  return {
    privateKey,
    spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
    algorithm,
    sign: (bytes) => sign(signatureTable[algorithm].digest, bytes, privateKey),
  };
}

/** One DER element: `parts` as its content. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const writer = new DerWriter();
  for (const part of [...parts].reverse()) writer.bytes(part);
  writer.wrap(tag, 0);
  return writer.take();
}

/** A SubjectPublicKeyInfo of RSA with these numbers, whatever they are. */
export function rsaSpki(modulus: bigint, exponent: bigint): Uint8Array {
  const key = der(tags.sequence, integer(modulus), integer(exponent));
  return der(
    tags.sequence,
    Buffer.from('300d06092a864886f70d0101010500', 'hex'),
    der(tags.bitString, Uint8Array.of(0), key),
  );
}

function integer(value: bigint): Uint8Array {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return der(tags.integer, (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]));
}

/** AlgorithmIdentifiers, DER. */
export const csrAlgorithms = {
  'ecdsa-sha256': Buffer.from('300a06082a8648ce3d040302', 'hex'),
  'ecdsa-sha384': Buffer.from('300a06082a8648ce3d040303', 'hex'),
  'ecdsa-sha512': Buffer.from('300a06082a8648ce3d040304', 'hex'),
  ed25519: Buffer.from('300506032b6570', 'hex'),
  'ecdsa-sha1': Buffer.from('300906072a8648ce3d0401', 'hex'),
  'rsa-sha256': Buffer.from('300d06092a864886f70d01010b0500', 'hex'),
  'rsa-sha1': Buffer.from('300d06092a864886f70d0101050500', 'hex'),
} as const;

/** A PKCS#10 request, DER; every part may be replaced by a wrong one. */
export function makeCsr(
  key: TestKey,
  parts: {
    version?: Uint8Array;
    subject?: Uint8Array;
    spki?: Uint8Array;
    attributes?: Uint8Array[];
    algorithm?: Uint8Array;
    sign?: (bytes: Uint8Array) => Uint8Array;
  } = {},
): Uint8Array {
  const info = der(
    tags.sequence,
    parts.version ?? Uint8Array.of(2, 1, 0),
    parts.subject ?? Uint8Array.of(0x30, 0),
    parts.spki ?? key.spki,
    ...(parts.attributes ?? [Uint8Array.of(0xa0, 0)]),
  );
  const signature = (parts.sign ?? key.sign)(info);
  const algorithm = parts.algorithm ?? csrAlgorithms[key.algorithm];
  return der(tags.sequence, info, algorithm, der(tags.bitString, Uint8Array.of(0), signature));
}

/** The attribute that asks for these extensions. */
export function extensionRequest(...extensions: Uint8Array[]): Uint8Array {
  const oid = Buffer.from('06092a864886f70d01090e', 'hex');
  return der(0xa0, der(tags.sequence, oid, der(tags.set, der(tags.sequence, ...extensions))));
}

/** A subjectAltName extension with these GeneralNames. */
export function sanExtension(...names: Uint8Array[]): Uint8Array {
  return der(tags.sequence, Uint8Array.of(6, 3, 0x55, 0x1d, 0x11), der(tags.octetString, der(tags.sequence, ...names)));
}
