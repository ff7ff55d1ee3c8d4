import { hash } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { compilerVersion } from './compiler-version.js';
import { applyStatics, canonicalContent, staticSubject } from './content.js';
import { DerReader, sameBytes } from './der-reader.js';
import { DerWriter, tags } from './der-writer.js';
import { isCaKeyKind, signatureOf } from './key-table.js';
import { keyIdentifier, keyIdentifierBytes, readPublicKey } from './public-key.js';
import { sampleTbs } from './sample-certificate.js';
import { type SampleVariant, sampleVariantsOf } from './sample-variants.js';
import { isSubjectEmpty, writeSubject } from './subject.js';
import { isSanEmpty, writeSan } from './subject-alternative-names.js';
import { type TypedWriter, typedWriters } from './typed-values.js';
import type { Issuer, ProfileDocument, RequestContent, SignatureAlgorithm, Template } from './types.js';
import { writeTime } from './validity.js';

type FillInput = Parameters<Template['fill']>[0];

/** Extensions as fixed bytes with holes between them, in order. */
type Segment = Uint8Array | 'subject-key-identifier' | 'subject-alt-name';

interface Layout {
  /** Version. */
  readonly head: Uint8Array;
  /** Signature algorithm and issuer: what stands between serial and validity. */
  readonly issuer: Uint8Array;
  readonly extensions: readonly Segment[];
  readonly extraAttributes: readonly TypedWriter[];
  readonly otherNames: readonly TypedWriter[];
}

/**
 * Compiles a profile and the CA that signs by it into a template. PKI.js encodes a sample, which is cut into fixed
 * bytes and holes (serial, validity, subject, key, SKI, SAN); then several other samples are filled and compared with
 * what PKI.js makes of them, byte for byte. Throws `internal` when they differ, `key-weak` for a CA key that no
 * CA may have. Takes some milliseconds; `fill` takes microseconds.
 */
export function compileTemplate(document: ProfileDocument, issuer: Issuer): Template {
  const issuerKey = readPublicKey(issuer.spki);
  if (!isCaKeyKind(issuerKey.kind)) throw new SluiceError('key-weak', `a CA has no key of ${issuerKey.kind}`);
  const signatureAlgorithm = signatureOf(issuerKey.kind);
  const reference = (variant: SampleVariant): Uint8Array =>
    sampleTbs({
      ...variant,
      document,
      issuerDer: issuer.subjectDer,
      signatureAlgorithm,
      authorityKeyIdentifier: keyIdentifier(issuerKey.bits),
      subjectKeyIdentifier: keyIdentifier(readPublicKey(variant.spki).bits),
    });
  const [cut, ...proofs] = sampleVariantsOf(document);
  const layout: Layout = {
    ...cutLayout(reference(cut)),
    extraAttributes: typedWriters(document.extra_attributes),
    otherNames: typedWriters(document.other_names),
  };
  const writer = new DerWriter();
  for (const variant of [cut, ...proofs]) {
    writer.clear();
    writeTbs(writer, layout, variant);
    if (!sameBytes(writer.take(), reference(variant))) {
      throw new SluiceError('internal', `the template of ${document.name} does not make what PKI.js makes`);
    }
  }
  const statics = staticSubject(document);
  const takesNames =
    Object.values(document.san).some((rule) => rule.rule !== 'forbidden') || layout.otherNames.length > 0;
  return {
    hash: hashOf(layout, signatureAlgorithm, statics, takesNames),
    signatureAlgorithm,
    fill: (input) => {
      const content = statics === undefined ? input.content : applyStatics(document, input.content);
      if (!takesNames && !isSanEmpty(content.san)) {
        throw new SluiceError('subject-invalid', 'the profile takes no names in `san`', { facts: { pointer: '/san' } });
      }
      writer.clear();
      writeTbs(writer, layout, content === input.content ? input : { ...input, content });
      return writer.take();
    },
  };
}

/** Two signers that would sign different bytes for one profile differ in this: fixed bytes, holes, statics, compiler. */
function hashOf(
  layout: Layout,
  algorithm: SignatureAlgorithm,
  statics: ReturnType<typeof staticSubject>,
  takesNames: boolean,
): Uint8Array {
  const segments = layout.extensions.map((segment) =>
    typeof segment === 'string' ? Buffer.from(`hole:${segment}`) : frame([segment]),
  );
  const words = [compilerVersion, algorithm, canonicalContent({ subject_dn: statics ?? {}, san: {} }), `${takesNames}`];
  for (const [name, writers] of Object.entries({ extra: layout.extraAttributes, other: layout.otherNames })) {
    words.push(...writers.map(({ oid, tag }) => `${name} ${oid} ${tag}`));
  }
  const parts = [...words.map((word) => Buffer.from(word)), layout.head, layout.issuer, ...segments];
  return hash('sha256', frame(parts), 'buffer');
}

/** Octet strings as one: each with its length (4 octets, big-endian) in front. */
function frame(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}

function cutLayout(tbs: Uint8Array): Pick<Layout, 'head' | 'issuer' | 'extensions'> {
  const reader = new DerReader(tbs, 'internal');
  const members = reader.children(reader.whole(tags.sequence, 'TBSCertificate'), 'TBSCertificate');
  const [version, serial, , , validity, , , wrapper] = members;
  if (version === undefined || serial === undefined || validity === undefined || wrapper === undefined) {
    throw reader.fault('TBSCertificate', 'does not have eight members');
  }
  const [list] = reader.children(wrapper, 'extensions');
  const extensions = reader.children(reader.expect(list, tags.sequence, 'extensions'), 'extensions');
  return {
    head: tbs.slice(version.start, version.end),
    issuer: tbs.slice(serial.end, validity.start),
    extensions: extensions.flatMap((extension): Segment[] => {
      const bytes = tbs.slice(extension.start, extension.end);
      const oid = extensionOid(reader, extension);
      if (oid === extensionOids.subjectAltName) return ['subject-alt-name'];
      if (oid !== extensionOids.subjectKeyIdentifier) return [bytes];
      return [bytes.subarray(0, -keyIdentifierBytes), 'subject-key-identifier'];
    }),
  };
}

/** Hex of the content octets of the two extensions that have holes. */
const extensionOids = { subjectKeyIdentifier: '551d0e', subjectAltName: '551d11' } as const;

function extensionOid(reader: DerReader, extension: ReturnType<DerReader['element']>): string {
  const [oid] = reader.children(extension, 'extension');
  return Buffer.from(reader.contentOf(reader.expect(oid, tags.oid, 'extension'))).toString('hex');
}

/** From the end to the beginning, as the writer does. */
function writeTbs(writer: DerWriter, layout: Layout, input: FillInput): void {
  const { bits } = readPublicKey(input.spki);
  const { content, serial } = input;
  const end = writer.mark;
  for (let index = layout.extensions.length - 1; index >= 0; index -= 1) {
    const segment = layout.extensions[index];
    if (segment === 'subject-key-identifier') writer.bytes(keyIdentifier(bits));
    else if (segment === 'subject-alt-name') writeSanExtension(writer, content, layout.otherNames);
    else if (segment !== undefined) writer.bytes(segment);
  }
  writer.wrap(tags.sequence, end);
  writer.wrap(0xa3, end);
  writer.bytes(input.spki);
  writeSubject(writer, content.subject_dn, layout.extraAttributes);
  const validity = writer.mark;
  writeTime(writer, input.notAfter);
  writeTime(writer, input.notBefore);
  writer.wrap(tags.sequence, validity);
  writer.bytes(layout.issuer);
  writeSerial(writer, serial);
  writer.bytes(layout.head);
  writer.wrap(tags.sequence, end);
}

function writeSanExtension(
  writer: DerWriter,
  { subject_dn: subjectDn, san }: RequestContent,
  otherNames: readonly TypedWriter[],
): void {
  if (isSanEmpty(san)) return;
  const extension = writer.mark;
  writeSan(writer, san, otherNames);
  writer.wrap(tags.octetString, extension);
  // RFC 5280 4.2.1.6: critical when it alone names the holder.
  if (isSubjectEmpty(subjectDn)) writer.bytes(criticalTrue);
  writer.bytes(subjectAltNameOid);
  writer.wrap(tags.sequence, extension);
}

const criticalTrue = Uint8Array.of(0x01, 0x01, 0xff);
const subjectAltNameOid = Uint8Array.of(tags.oid, 3, 0x55, 0x1d, 0x11);

/** T1: positive, below 2^159, at least 64 bits: 9 to 20 octets that are a minimal INTEGER as they are. */
function writeSerial(writer: DerWriter, serial: Uint8Array): void {
  const first = serial[0] ?? 0;
  if (serial.length < 9 || serial.length > 20 || first === 0 || first > 0x7f) {
    throw new SluiceError('internal', 'a serial must be 9 to 20 octets, the first of them 0x01 to 0x7f');
  }
  const mark = writer.mark;
  writer.bytes(serial);
  writer.wrap(tags.integer, mark);
}
