import { constants, type KeyObject, verify } from 'node:crypto';
import { type DerElement, type DerReader, sameBytes } from './der-reader.js';
import { tags } from './der-writer.js';
import { type Digest, type KeyKind, keyFamily } from './key-table.js';

/** How a CSR is signed, as its AlgorithmIdentifier says. */
export interface CsrSignature {
  readonly digest: Digest;
  /** Octets of salt, for RSASSA-PSS; `undefined` for PKCS#1 v1.5 and everything else. */
  readonly pssSaltBytes: number | undefined;
}

interface Row {
  readonly oid: Uint8Array;
  readonly family: ReturnType<typeof keyFamily>;
  /** 'pss': its parameters say it. */
  readonly digest: Digest | 'pss';
}

function row(oid: string, family: Row['family'], digest: Row['digest']): Row {
  return { oid: new Uint8Array(Buffer.from(oid, 'hex')), family, digest };
}

/** Signatures that a CSR may carry, one row each. A subject's key may be hashed for by any of the three SHA-2. */
const rows: readonly Row[] = [
  row('06082a8648ce3d040302', 'ec', 'sha256'),
  row('06082a8648ce3d040303', 'ec', 'sha384'),
  row('06082a8648ce3d040304', 'ec', 'sha512'),
  row('06092a864886f70d01010b', 'rsa', 'sha256'),
  row('06092a864886f70d01010c', 'rsa', 'sha384'),
  row('06092a864886f70d01010d', 'rsa', 'sha512'),
  row('06092a864886f70d01010a', 'rsa', 'pss'),
  row('06032b6570', 'ed25519', null),
];

/** Reads the AlgorithmIdentifier of a CSR whose key is of this kind. Throws what `reader` throws. */
export function readCsrSignature(reader: DerReader, algorithm: DerElement, kind: KeyKind): CsrSignature {
  const [oid, parameters, ...more] = reader.children(algorithm, 'CSR signature algorithm');
  const bytes = reader.bytesOf(reader.expect(oid, tags.oid, 'CSR signature algorithm'));
  const known = rows.find((candidate) => sameBytes(candidate.oid, bytes));
  if (known === undefined) {
    throw reader.fault('CSR signature algorithm', 'is not ECDSA, RSA or Ed25519 with SHA-256, SHA-384 or SHA-512');
  }
  if (known.family !== keyFamily(kind)) throw reader.fault('CSR signature algorithm', 'does not belong to its key');
  if (known.digest === 'pss' && more.length === 0) return readPss(reader, parameters);
  // RFC 4055 wants NULL with RSA; WebCrypto-based makers (PKI.js among them) leave it out. It is not copied anywhere.
  const hasParameters = parameters !== undefined && !(known.family === 'rsa' && isNull(parameters));
  if (more.length > 0 || hasParameters || known.digest === 'pss') {
    throw reader.fault('CSR signature algorithm', 'has parameters that do not belong there');
  }
  return { digest: known.digest, pssSaltBytes: undefined };
}

const sha2: readonly (readonly [Uint8Array, Exclude<Digest, null>])[] = [
  [new Uint8Array(Buffer.from('0609608648016503040201', 'hex')), 'sha256'],
  [new Uint8Array(Buffer.from('0609608648016503040202', 'hex')), 'sha384'],
  [new Uint8Array(Buffer.from('0609608648016503040203', 'hex')), 'sha512'],
];
const mgf1 = new Uint8Array(Buffer.from('06092a864886f70d010108', 'hex'));

/** RSASSA-PSS-params (RFC 4055 3.1): SHA-2, MGF1 with the same hash, the usual trailer. The defaults are SHA-1: refused. */
function readPss(reader: DerReader, parameters: DerElement | undefined): CsrSignature {
  const what = 'CSR signature algorithm (PSS)';
  const members = reader.children(reader.expect(parameters, tags.sequence, what), what);
  if (members.some((member, index) => member.tag <= (members[index - 1]?.tag ?? 0x9f) || member.tag > 0xa3)) {
    throw reader.fault(what, 'has parameters that do not belong there');
  }
  const member = (tag: number): DerElement | undefined => {
    const wrapper = members.find((candidate) => candidate.tag === tag);
    if (wrapper === undefined) return undefined;
    const [inner, ...more] = reader.children(wrapper, what);
    if (inner === undefined || more.length > 0) throw reader.fault(what, 'has parameters that do not belong there');
    return inner;
  };
  const digest = hashOf(reader, member(0xa0), what);
  const [function_, itsHash, ...more] = reader.children(reader.expect(member(0xa1), tags.sequence, what), what);
  const isMgf1 = sameBytes(reader.bytesOf(reader.expect(function_, tags.oid, what)), mgf1);
  if (!isMgf1 || more.length > 0 || hashOf(reader, itsHash, what) !== digest) {
    throw reader.fault(what, 'does not mask with MGF1 of its own hash');
  }
  const trailer = member(0xa3);
  if (trailer !== undefined && !sameBytes(reader.bytesOf(trailer), Uint8Array.of(tags.integer, 1, 1))) {
    throw reader.fault(what, 'has a trailer other than 1');
  }
  return { digest, pssSaltBytes: saltBytes(reader, member(0xa2), what) };
}

function hashOf(reader: DerReader, element: DerElement | undefined, what: string): Exclude<Digest, null> {
  if (element === undefined) throw reader.fault(what, 'has SHA-1, its default');
  const [oid, parameters, ...more] = reader.children(reader.expect(element, tags.sequence, what), what);
  const bytes = reader.bytesOf(reader.expect(oid, tags.oid, what));
  const known = sha2.find(([candidate]) => sameBytes(candidate, bytes));
  if (known === undefined || more.length > 0 || (parameters !== undefined && !isNull(parameters))) {
    throw reader.fault(what, 'has a hash other than SHA-256, SHA-384 or SHA-512');
  }
  return known[1];
}

/** 20 when it is absent. The largest salt that fits is a matter of the key: `verify` finds out. */
function saltBytes(reader: DerReader, element: DerElement | undefined, what: string): number {
  if (element === undefined) return 20;
  const integer = reader.contentOf(reader.expect(element, tags.integer, what));
  const [high = 0, low] = integer.length === 1 ? [0, ...integer] : integer;
  const isMinimal = integer.length === 1 || (integer.length === 2 && (high > 0 || (low ?? 0) >= 0x80));
  if (low === undefined || !isMinimal || (integer[0] ?? 0x80) >= 0x80 || high > 1) {
    throw reader.fault(what, 'has a salt of impossible length');
  }
  return (high << 8) | low;
}

function isNull(element: DerElement): boolean {
  return element.tag === 0x05 && element.content === element.end;
}

/** Is this the signature of `signed`? Throws what OpenSSL throws for one that it cannot read. */
export function verifyCsrSignature(
  proof: CsrSignature & { readonly signed: Uint8Array; readonly signature: Uint8Array },
  key: KeyObject,
): boolean {
  const { digest, pssSaltBytes: saltLength } = proof;
  if (saltLength === undefined) return verify(digest, proof.signed, key, proof.signature);
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return verify(digest, proof.signed, { key, padding, saltLength }, proof.signature);
}
