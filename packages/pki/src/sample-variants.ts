import { DerWriter, tags } from './der-writer.js';
import { fixedKeyTable } from './key-table.js';
import type { ProfileDocument, Template, TypedRule, TypedValue } from './types.js';

export type SampleVariant = Parameters<Template['fill']>[0];

// The generator of P-256 (SEC 2, 2.4.2): a point on the curve that nobody uses as a key.
const ecSpki = Buffer.from(
  '3059301306072a8648ce3d020106082a8648ce3d03010703420004' +
    '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
    '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  'hex',
);

/** An RSA key by its form only. */
function rsaSpki(modulusBytes: number): Uint8Array {
  const writer = new DerWriter();
  writer.bytes(Uint8Array.of(tags.integer, 3, 1, 0, 1));
  const modulus = new Uint8Array(modulusBytes + 1).fill(0xb5);
  modulus[0] = 0;
  const mark = 5;
  writer.bytes(modulus);
  writer.wrap(tags.integer, mark);
  writer.wrap(tags.sequence, 0);
  writer.octet(0);
  writer.wrap(tags.bitString, 0);
  writer.bytes(Buffer.from('300d06092a864886f70d0101010500', 'hex'));
  writer.wrap(tags.sequence, 0);
  return writer.take();
}

// Other lengths, up to one that takes two octets: by their form only, too.
const ed25519Spki = Buffer.concat([fixedKeyTable.ed25519.prefix, Buffer.alloc(32, 0x58)]);
const p521Spki = Buffer.concat([fixedKeyTable['ec-p521'].prefix, Buffer.alloc(132, 0x01)]);

const labels = Array.from({ length: 60 }, (_, index) => `host-${index}.example.test`);

/** The samples for a document: all below, and one with everything that it has rules of its own for. */
export function sampleVariantsOf(document: ProfileDocument): readonly [SampleVariant, ...SampleVariant[]] {
  const { extra_attributes: extra, other_names: others } = document;
  if (extra === undefined && others === undefined) return sampleVariants;
  const [first, ...rest] = sampleVariants;
  const valuesOf = (rules: readonly TypedRule[] = []): TypedValue[] =>
    rules.flatMap(({ oid }) => ['a', 'b'].map((value) => ({ type: oid, value }))).reverse();
  const content = {
    subject_dn: { ...first.content.subject_dn, extra_attributes: valuesOf(extra) },
    san: { ...first.content.san, other_names: valuesOf(others) },
  };
  return [first, ...rest, { ...first, content }];
}

/** The first is what a template is cut from. Together they cross every length, time form and optional part. */
const sampleVariants: readonly [SampleVariant, ...SampleVariant[]] = [
  {
    serial: Uint8Array.from({ length: 16 }, (_, index) => 0x41 + index),
    notBefore: new Date('2026-11-21T08:09:10Z'),
    notAfter: new Date('2027-11-21T08:09:09Z'),
    content: {
      subject_dn: {
        country: 'DE',
        state: 'Bayern',
        locality: 'München',
        street_address: 'Straße 1',
        organization: 'Beispiel GmbH',
        organizational_unit: ['Eins', 'Zwei'],
        common_name: 'device-1',
        serial_number: 'A-1',
        email: 'a@example.test',
      },
      san: {
        dns_names: ['a.example.test'],
        emails: ['a@example.test'],
        ip_addresses: ['192.0.2.1', '2001:db8::1'],
        uris: ['https://example.test/a'],
      },
    },
    spki: ecSpki,
  },
  {
    serial: Uint8Array.from({ length: 16 }, () => 0x7f),
    notBefore: new Date('2049-12-31T23:59:59Z'),
    notAfter: new Date('2050-01-01T00:00:00Z'),
    content: { subject_dn: { common_name: 'x' }, san: {} },
    spki: rsaSpki(256),
  },
  {
    serial: Uint8Array.from({ length: 9 }, () => 1),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('9999-12-31T23:59:59Z'),
    content: { subject_dn: {}, san: { dns_names: labels } },
    spki: rsaSpki(512),
  },
  {
    serial: Uint8Array.from({ length: 20 }, () => 0x20),
    notBefore: new Date('2050-01-01T00:00:00Z'),
    notAfter: new Date('2051-01-01T00:00:00Z'),
    content: { subject_dn: { country: 'DE' }, san: { ip_addresses: ['192.0.2.2'] } },
    spki: ed25519Spki,
  },
  {
    serial: Uint8Array.from({ length: 16 }, () => 0x21),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2026-01-02T00:00:00Z'),
    content: { subject_dn: { organizational_unit: ['One'] }, san: { uris: ['https://example.test/b'] } },
    spki: p521Spki,
  },
];
