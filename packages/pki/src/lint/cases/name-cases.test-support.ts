import { dns, extensions, type LintCase, san, uri } from './base.test-support.js';
import * as d from './der-writing.test-support.js';

const { types } = d;

/** What both names keep alike, written once: the value of one attribute, and where it is found. */
const bothNames: readonly (readonly [rule: string, rdns: readonly Uint8Array[], pointer: string, what?: string])[] = [
  ['syntax', [d.hex('3000')], '', 'no SET'],
  ['syntax', [d.set()], '', 'empty SET'],
  ['syntax', [d.set(d.seq(d.oid(types.unit)))], '', 'no value'],
  ['directory-string', [d.rdn(types.unit, d.text(0x14, 'x'))], '.organizationalUnitName', 'TeletexString'],
  ['directory-string', [d.rdn(types.unit, d.text(0x1e, 'xy'))], '.organizationalUnitName', 'BMPString'],
  ['directory-string', [d.rdn(types.unit, d.ia5('x'))], '.organizationalUnitName', 'IA5String'],
  ['printable-string', [d.rdn(types.serialNumber, d.utf8('x'))], '.serialNumber'],
  ['printable-string', [d.rdn(types.country, d.utf8('CH'))], '.countryName', 'country'],
  ['ia5-string', [d.rdn(types.email, d.utf8('a@b.test'))], '.emailAddress'],
  ['ia5-string', [d.rdn(types.domainComponent, d.printable('test'))], '.domainComponent', 'domainComponent'],
  ['country-code', [d.rdn(types.country, d.printable('ch'))], '.countryName', 'small letters'],
  ['country-code', [d.rdn(types.country, d.printable('C'))], '.countryName', 'one letter'],
  ['upper-bound', [d.rdn(types.country, d.printable('CHE'))], '.countryName', 'three letters'],
  ['upper-bound', [d.rdn(types.commonName, d.utf8('ä'.repeat(65)))], '.commonName', '65 characters'],
  ['upper-bound', [d.rdn(types.organization, d.utf8('x'.repeat(65)))], '.organizationName', 'organization'],
  ['upper-bound', [d.rdn(types.locality, d.utf8('x'.repeat(129)))], '.localityName', 'locality'],
  ['value-not-empty', [d.rdn(types.unit, d.utf8(''))], '.organizationalUnitName'],
  ['no-control-characters', [d.rdn(types.unit, d.utf8('a\0b'))], '.organizationalUnitName', 'NUL'],
  ['no-control-characters', [d.rdn(types.unit, d.utf8('a\u0085b'))], '.organizationalUnitName', 'C1'],
  ['no-control-characters', [d.rdn(types.domainComponent, d.ia5('a\u007f'))], '.domainComponent', 'DEL'],
  ['email-mailbox', [d.rdn(types.email, d.ia5('nobody'))], '.emailAddress'],
  ['no-outer-blanks', [d.rdn(types.unit, d.utf8(' x'))], '.organizationalUnitName'],
  ['no-outer-blanks', [d.rdn(types.unit, d.printable('x '))], '.organizationalUnitName', 'at the end'],
  ['attribute-once', [d.rdn(types.locality, d.utf8('a')), d.rdn(types.locality, d.utf8('b'))], '.localityName'],
  ['attribute-order', [d.rdn(types.commonName, d.utf8('a')), d.rdn(types.country, d.printable('CH'))], '.countryName'],
];
const twoInOne = d.set(d.seq(d.oid(types.organization), d.utf8('a')), d.seq(d.oid(types.unit), d.utf8('b')));

const mailToo = { subjectAltName: san(d.text(0x81, 'a@b.test')) };

export const nameCases: readonly LintCase[] = [
  ...bothNames.flatMap(([rule, rdns, place, what]): LintCase[] => [
    {
      rule: `subject-${rule}`,
      ...(what === undefined ? {} : { what }),
      change: () => ({ subject: d.name(...rdns), extensions: mailToo }),
      pointer: `subject${place}`,
    },
    {
      rule: `issuer-${rule}`,
      ...(what === undefined ? {} : { what }),
      change: () => ({ issuer: d.name(...rdns) }),
      pointer: `issuer${place}`,
    },
  ]),
  { rule: 'subject-single-valued', change: () => ({ subject: d.name(twoInOne) }) },
  { rule: 'issuer-single-valued', change: () => ({ issuer: d.name(twoInOne) }) },
  { rule: 'subject-syntax', what: 'no SEQUENCE', change: () => ({ subject: d.nothing }), pointer: 'subject' },
  { rule: 'issuer-not-empty', change: () => ({ issuer: d.name() }), pointer: 'issuer' },
  { rule: 'issuer-is-the-ca', octets: (tbs) => replaceText(tbs, 'Example CA', 'Example CB'), kind: 'ocsp-signer' },
  { rule: 'root-self-issued', kind: 'root', change: () => ({ subject: d.name(d.rdn(types.unit, d.utf8('x'))) }) },
  { rule: 'ca-subject-not-empty', kind: 'subordinate-ca', change: () => ({ subject: d.name() }) },
  { rule: 'subject-or-critical-san', change: () => ({ subject: d.name() }), pointer: 'subject' },
  {
    rule: 'subject-or-critical-san',
    what: 'no SAN',
    change: () => ({ subject: d.name(), extensions: { subjectAltName: undefined } }),
  },
  {
    rule: 'subject-email-in-san',
    change: () => ({
      subject: d.name(d.rdn(types.email, d.ia5('a@b.test'))),
      extensions: { subjectAltName: san(dns('a.test')) },
    }),
  },
];

function replaceText(tbs: Uint8Array, from: string, to: string): Uint8Array {
  return Buffer.from(Buffer.from(tbs).toString('latin1').replace(from, to), 'latin1');
}

const dnsCases: readonly (readonly [rule: string, name: string])[] = [
  ['san-dns-syntax', ''],
  ['san-dns-syntax', 'a..test'],
  ['san-dns-syntax', '.a.test'],
  ['san-dns-syntax', 'a.test.'],
  ['san-dns-syntax', '-a.test'],
  ['san-dns-syntax', 'a-.test'],
  ['san-dns-syntax', 'a b.test'],
  ['san-dns-syntax', 'ä.test'],
  ['san-dns-syntax', `${'a'.repeat(64)}.test`],
  ['san-dns-syntax', `${'a.'.repeat(125)}test`],
  ['san-dns-no-underscore', '_acme.a.test'],
  ['san-dns-wildcard', '*'],
  ['san-dns-wildcard', '*.test'],
  ['san-dns-wildcard', 'a.*.test'],
  ['san-dns-wildcard', 'a*.b.test'],
  ['san-dns-a-label', 'ab--c.test'],
  ['san-dns-a-label', 'xn--99999999999.test'],
  ['san-dns-a-label', 'xn--a.test'],
  ['san-dns-top-level', '192.0.2.1'],
];
const mailCases = [
  '',
  'a',
  '@b.test',
  'a@',
  'a..b@c.test',
  '.a@b.test',
  'a b@c.test',
  'a@b_c.test',
  'a@-b.test',
  '"a@b.test',
];
const uriCases = [
  '',
  'a/b',
  '//a.test/',
  'http:',
  'http://',
  'http:///x',
  'http://a_b.test/',
  'http://a.test/ x',
  'http://a.test/%2',
  'http://[::1/',
  'http://256.1.1.1/',
  '1http://a.test/',
];

const invalid = (rule: string, name: Uint8Array, what: string): LintCase => ({
  rule,
  what,
  change: extensions({ subjectAltName: san(dns('a.test'), name) }),
  pointer: 'extensions.subjectAltName.1',
});

export const sanCases: readonly LintCase[] = [
  ...dnsCases.map(([rule, name]) => invalid(rule, dns(name), name)),
  ...mailCases.map((name) => invalid('san-email', d.text(0x81, name), name)),
  ...uriCases.map((name) => invalid('san-uri', uri(name), name)),
  invalid('san-ip-address', d.der(0x87, d.hex('c00002')), '3 octets'),
  invalid('san-ip-address', d.der(0x87, d.hex('c0000201ffffff00')), 'address and mask'),
  invalid('san-directory-name', d.der(0xa4, d.name()), 'empty'),
  invalid('san-directory-name', d.der(0xa4, d.nothing), 'no Name'),
  invalid('san-other-name', d.der(0xa0, d.oid('2a03')), 'no value'),
  invalid('san-other-name', d.der(0xa0, d.oid('2a03'), d.utf8('x')), 'no [0]'),
  invalid('san-registered-id', d.der(0x88, d.hex('80')), 'no OBJECT IDENTIFIER'),
  invalid('san-no-x400', d.der(0xa3), 'X.400'),
  invalid('san-no-edi', d.der(0xa5, d.der(0xa1, d.utf8('x'))), 'EDI'),
  { rule: 'san-syntax', change: extensions({ subjectAltName: d.extension(d.ids.subjectAltName, d.utf8('a.test')) }) },
  { rule: 'san-syntax', what: 'unknown kind', change: extensions({ subjectAltName: san(d.der(0x89)) }) },
  {
    rule: 'san-syntax',
    what: 'constructed dNSName',
    change: extensions({ subjectAltName: san(d.der(0xa2, d.ia5('a'))) }),
  },
  { rule: 'san-not-empty', change: extensions({ subjectAltName: san() }) },
  {
    rule: 'san-not-critical',
    change: extensions({ subjectAltName: d.extension(d.ids.subjectAltName, d.seq(dns('a.test')), true) }),
  },
  { rule: 'issuer-alt-name-syntax', change: extensions({ x: d.extension(d.ids.issuerAltName, d.nothing) }) },
  { rule: 'issuer-alt-name-not-empty', change: extensions({ x: d.extension(d.ids.issuerAltName, d.seq()) }) },
];
