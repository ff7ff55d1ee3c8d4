import { SluiceError } from '@sluice/errors';
import { DerReader, sameBytes } from './der-reader.js';
import { DerWriter, tags } from './der-writer.js';
import { type SignatureAlgorithm, signatureTable } from './key-table.js';
import { readTime } from './validity.js';

const writer = new DerWriter();

/** Certificate, DER, from its parts: `tbs` as signed, `signature` as the key store gives it. */
export function assembleCertificate(tbs: Uint8Array, algorithm: SignatureAlgorithm, signature: Uint8Array): Uint8Array {
  writer.clear();
  writer.bytes(signature);
  writer.octet(0);
  writer.wrap(tags.bitString, 0);
  writer.bytes(signatureTable[algorithm].identifier);
  writer.bytes(tbs);
  writer.wrap(tags.sequence, 0);
  return writer.take();
}

/** What a CA's own certificate tells those who sign below it. All bytes are copies. */
export interface CertificateFacts {
  readonly subjectDer: Uint8Array;
  readonly issuerDer: Uint8Array;
  /** Content octets of the INTEGER. */
  readonly serial: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly spki: Uint8Array;
  /** SubjectKeyIdentifier; undefined when the certificate has none. */
  readonly ski: Uint8Array | undefined;
  /** pathLenConstraint of its basicConstraints (RFC 5280 4.2.1.9); undefined when it sets no bound. */
  readonly pathLength: number | undefined;
}

/** Reads a certificate, DER and nothing after it. Names are copied, never encoded anew. Throws `internal`. */
export function readCertificate(der: Uint8Array): CertificateFacts {
  const reader = new DerReader(der, 'internal');
  const [tbs] = reader.children(reader.whole(tags.sequence, 'certificate'), 'certificate');
  const members = reader.children(reader.expect(tbs, tags.sequence, 'TBSCertificate'), 'TBSCertificate');
  if (members[0]?.tag !== 0xa0) throw reader.fault('certificate', 'is not of version 3');
  const copy = (index: number, tag: number, what: string): Uint8Array =>
    new Uint8Array(reader.bytesOf(reader.expect(members[index], tag, what)));
  const serial = new Uint8Array(reader.contentOf(reader.expect(members[1], tags.integer, 'serial')));
  const validity = reader.children(reader.expect(members[4], tags.sequence, 'validity'), 'validity');
  const [notBefore, notAfter] = validity.map((time) => readTime(time.tag, reader.contentOf(time)));
  if (notBefore === undefined || notAfter === undefined) throw reader.fault('validity', 'cannot be read');
  return {
    subjectDer: copy(5, tags.sequence, 'subject'),
    issuerDer: copy(3, tags.sequence, 'issuer'),
    serial,
    notBefore,
    notAfter,
    spki: copy(6, tags.sequence, 'public key'),
    ski: subjectKeyIdentifierOf(reader, members),
    pathLength: pathLengthOf(reader, members),
  };
}

const subjectKeyIdentifier = Buffer.from('0603551d0e', 'hex');
const basicConstraints = Buffer.from('0603551d13', 'hex');

type Members = readonly ReturnType<DerReader['element']>[];

function subjectKeyIdentifierOf(reader: DerReader, members: Members): Uint8Array | undefined {
  const value = extensionValueOf(reader, members, subjectKeyIdentifier, 'subjectKeyIdentifier');
  if (value === undefined) return undefined;
  const inner = new DerReader(value, 'internal');
  return new Uint8Array(inner.contentOf(inner.whole(tags.octetString, 'subjectKeyIdentifier')));
}

function pathLengthOf(reader: DerReader, members: Members): number | undefined {
  const value = extensionValueOf(reader, members, basicConstraints, 'basicConstraints');
  if (value === undefined) return undefined;
  const inner = new DerReader(value, 'internal');
  const parts = inner.children(inner.whole(tags.sequence, 'basicConstraints'), 'basicConstraints');
  const bound = parts.find(({ tag }) => tag === tags.integer);
  if (bound === undefined) return undefined;
  return inner.contentOf(bound).reduce((sum, octet) => sum * 256 + octet, 0);
}

/** Content of the OCTET STRING of the extension with this identifier, given whole. */
function extensionValueOf(
  reader: DerReader,
  members: Members,
  identifier: Uint8Array,
  what: string,
): Uint8Array | undefined {
  const wrapper = members.find(({ tag }) => tag === 0xa3);
  if (wrapper === undefined) return undefined;
  const [list] = reader.children(wrapper, 'extensions');
  for (const extension of reader.children(reader.expect(list, tags.sequence, 'extensions'), 'extensions')) {
    const parts = reader.children(extension, 'extension');
    if (!sameBytes(reader.bytesOf(reader.expect(parts[0], tags.oid, 'extension')), identifier)) continue;
    return reader.contentOf(reader.expect(parts.at(-1), tags.octetString, what));
  }
  return undefined;
}

/** PEM (RFC 7468): 64 characters a line, a newline at the end. */
export function toPem(der: Uint8Array, label: string): string {
  if (!/^[A-Z0-9]+( [A-Z0-9]+)*$/.test(label)) throw new SluiceError('internal', 'a PEM label is capitals and blanks');
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.length).toString('base64');
  let pem = `-----BEGIN ${label}-----\n`;
  for (let at = 0; at < base64.length; at += 64) pem += `${base64.slice(at, at + 64)}\n`;
  return `${pem}-----END ${label}-----\n`;
}
