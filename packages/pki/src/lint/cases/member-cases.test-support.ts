import { caName, extensions, type LintCase } from './base.test-support.js';
import * as d from './der-writing.test-support.js';

/** A subject of one organizational unit with this value. */
const unit = (value: Uint8Array) => () => ({ subject: d.name(d.rdn(d.types.unit, value)) });
/** An attribute type that no rule knows, so that its string type is free. */
const unknownType = '2b06010401868d1f02';
const free = (value: Uint8Array) => () => ({ subject: d.name(d.rdn(unknownType, value)) });

export const derCases: readonly LintCase[] = [
  { rule: 'der-structure', what: 'cut off', octets: (tbs) => tbs.subarray(0, -1) },
  { rule: 'der-structure', what: 'octet after the end', octets: (tbs) => Buffer.concat([tbs, Buffer.of(0)]) },
  { rule: 'der-structure', what: 'nothing', octets: () => new Uint8Array() },
  { rule: 'der-structure', what: 'long tag', octets: () => d.hex('3f8101') },
  { rule: 'der-structure', what: 'end of contents', octets: () => d.hex('30020000') },
  {
    rule: 'der-structure',
    what: 'a million deep',
    octets: () => {
      let at = d.nothing;
      for (let depth = 0; depth < 40; depth += 1) at = d.seq(at);
      return at;
    },
  },
  { rule: 'der-structure', what: 'too long', octets: () => d.octets(new Uint8Array(70_000)) },
  {
    rule: 'der-structure',
    what: 'octets after the value of an extension',
    change: extensions({ keyUsage: d.extension(d.ids.keyUsage, d.hex('0302078000'), true) }),
    pointer: 'extensions.keyUsage',
  },
  { rule: 'der-length', what: 'indefinite', octets: () => d.hex('30800000') },
  { rule: 'der-length', what: 'not minimal', octets: () => d.hex('3081020500') },
  { rule: 'der-length', what: 'four octets', octets: () => d.hex('308400000000') },
  { rule: 'der-form', what: 'constructed string', change: free(d.der(0x2c, d.utf8('x'))), pointer: 'subject' },
  { rule: 'der-form', what: 'primitive SEQUENCE', change: free(d.der(0x10, d.nothing)) },
  {
    rule: 'der-boolean',
    change: extensions({ keyUsage: d.seq(d.oid(d.ids.keyUsage), d.hex('010101'), d.octets(d.hex('03020780'))) }),
    pointer: 'extensions.keyUsage',
  },
  { rule: 'der-integer', change: () => ({ serial: d.int('0050a1b2c3d4e5f60718293a') }), pointer: 'serialNumber' },
  { rule: 'der-bit-string', change: free(d.hex('03020181')) },
  { rule: 'der-bit-string', what: 'eight unused', change: free(d.hex('03020800')) },
  { rule: 'der-null', change: free(d.hex('050100')) },
  { rule: 'der-oid', what: 'padded', change: free(d.hex('06028001')) },
  { rule: 'der-oid', what: 'incomplete', change: free(d.hex('06018a')) },
  {
    rule: 'der-set-order',
    // Single-valued RDNs hold no order: an attribute value does here.
    change: free(d.set(d.utf8('b'), d.utf8('a'))),
  },
  {
    rule: 'der-default',
    change: extensions({
      subjectAltName: d.seq(d.oid(d.ids.subjectAltName), d.hex('010100'), d.octets(d.seq(d.text(0x82, 'a.test')))),
    }),
    pointer: 'extensions.subjectAltName',
  },
  { rule: 'der-utf8-string', what: 'overlong', change: unit(d.hex('0c02c0af')) },
  { rule: 'der-utf8-string', what: 'surrogate', change: unit(d.hex('0c03eda080')) },
  { rule: 'der-utf8-string', what: 'cut off', change: unit(d.hex('0c02e282')) },
  { rule: 'der-utf8-string', what: 'above U+10FFFF', change: unit(d.hex('0c04f4908080')) },
  { rule: 'der-printable-string', change: unit(d.printable('a@b')) },
  { rule: 'der-ia5-string', change: free(d.hex('160180')) },
  { rule: 'der-other-string', what: 'NumericString', change: free(d.text(0x12, '1a')) },
  { rule: 'der-other-string', what: 'BMPString', change: free(d.hex('1e0161')) },
  { rule: 'der-other-string', what: 'UniversalString', change: free(d.hex('1c026161')) },
  { rule: 'der-other-string', what: 'VisibleString', change: free(d.hex('1a0107')) },
  { rule: 'der-utc-time', what: 'no seconds', change: () => ({ notBefore: d.utcTime('2611210809Z') }) },
  { rule: 'der-utc-time', what: 'offset', change: () => ({ notBefore: d.utcTime('261121080910+0000') }) },
  { rule: 'der-utc-time', what: '30 February', change: () => ({ notBefore: d.utcTime('240230000000Z') }) },
  { rule: 'der-utc-time', what: '29 February 2025', change: () => ({ notBefore: d.utcTime('250229000000Z') }) },
  { rule: 'der-utc-time', what: 'second 60', change: () => ({ notBefore: d.utcTime('261121080960Z') }) },
  {
    rule: 'der-generalized-time',
    what: 'fraction',
    change: () => ({ notAfter: d.generalizedTime('20500101000000.5Z') }),
    pointer: 'validity.notAfter',
  },
  { rule: 'tbs-structure', what: 'no members', octets: () => d.seq() },
  { rule: 'tbs-structure', what: 'no SEQUENCE', octets: () => d.nothing },
  { rule: 'tbs-structure', what: 'a member too many', change: () => ({ uniqueIds: [d.der(0x85)] }) },
  { rule: 'extension-structure', change: extensions({ keyUsage: d.seq(d.oid(d.ids.keyUsage)) }) },
  { rule: 'extension-structure', what: 'no OBJECT IDENTIFIER', change: extensions({ keyUsage: d.seq(d.nothing) }) },
];

const issuerTime = (notAfter: string, notBefore = '2020-01-01T00:00:00Z') => ({
  issuer: {
    subjectDer: caName,
    ski: new Uint8Array(20).fill(0xca),
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
  },
});

export const memberCases: readonly LintCase[] = [
  { rule: 'version-v3', what: 'v1', change: () => ({ version: null }) },
  { rule: 'version-v3', what: 'v2', change: () => ({ version: d.der(0xa0, d.int('01')) }) },
  { rule: 'unique-ids-absent', change: () => ({ uniqueIds: [d.der(0x81, d.hex('0001'))] }) },
  { rule: 'unique-ids-absent', what: 'of the subject', change: () => ({ uniqueIds: [d.der(0x82, d.hex('0001'))] }) },
  { rule: 'serial-positive', change: () => ({ serial: d.int('8050a1b2c3d4e5f60718') }) },
  { rule: 'serial-positive', what: 'zero', change: () => ({ serial: d.int('00') }) },
  { rule: 'serial-octets-max', change: () => ({ serial: d.int('0123456789abcd'.repeat(3)) }) },
  { rule: 'serial-random-bits', change: () => ({ serial: d.int('50a1b2c3d4e5f607') }) },
  { rule: 'serial-not-constant', change: () => ({ serial: d.int('4050a1000000000000000000') }) },
  {
    rule: 'validity-utc-until-2049',
    what: 'GeneralizedTime',
    change: () => ({ notAfter: d.generalizedTime('20491231235959Z') }),
    pointer: 'validity.notAfter',
  },
  {
    rule: 'validity-utc-until-2049',
    what: 'GeneralizedTime first',
    change: () => ({ notBefore: d.generalizedTime('20261121080000Z') }),
    pointer: 'validity.notBefore',
  },
  { rule: 'validity-order', change: () => ({ notAfter: d.utcTime('261121080909Z') }) },
  { rule: 'validity-within-issuer', context: issuerTime('2027-11-21T08:09:08Z') },
  { rule: 'validity-begins-with-issuer', context: issuerTime('2030-01-01T00:00:00Z', '2026-11-21T08:09:11Z') },
  { rule: 'validity-period-max', what: 'one second more', context: { validitySecondsMax: 365 * 86_400 - 1 } },
  {
    rule: 'validity-not-in-future',
    what: 'one second further ahead than the profile takes',
    context: { signingTime: new Date('2026-11-21T07:09:09Z'), aheadSecondsMax: 3600 },
  },
  { rule: 'validity-not-in-future', context: { signingTime: new Date('2026-11-21T08:09:09Z') } },
  { rule: 'validity-backdating', context: { signingTime: new Date('2026-11-23T08:09:11Z') } },
  {
    rule: 'validity-backdating',
    what: 'of an OCSP signer',
    kind: 'ocsp-signer',
    context: { signingTime: new Date('2026-11-22T08:09:11Z') },
  },
  {
    rule: 'extensions-not-empty',
    octets: emptyExtensions,
    besides: ['authority-key-id-present', 'subject-key-id-recommended'],
  },
  {
    rule: 'extension-once',
    change: ({ extensions: { keyUsage } }) => ({ extensions: { again: keyUsage } }),
    pointer: 'extensions.keyUsage',
  },
  {
    rule: 'extension-critical-known',
    change: extensions({ unknown: d.extension('2b0601040186 8d1f03', d.nothing, true) }),
    pointer: 'extensions.1.3.6.1.4.1.99999.3',
  },
];

/** The extensions as an empty list. */
function emptyExtensions(tbs: Uint8Array): Uint8Array {
  const at = Buffer.from(tbs).lastIndexOf(Buffer.of(0xa3, 0x82));
  const members = tbs.subarray(4, at);
  return d.seq(members, d.der(0xa3, d.seq()));
}
