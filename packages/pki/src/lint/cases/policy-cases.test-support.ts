import type { LintKind } from '../types.js';
import { extensionOf as ext, extensions, type LintCase, uri } from './base.test-support.js';
import * as d from './der-writing.test-support.js';

const ca: LintKind = 'subordinate-ca';
const anyPolicy = d.oid('551d2000');
const ours = d.oid('2a03');
const cps = (value: Uint8Array) => d.seq(d.oid('2b06010505070201'), value);
const notice = (...parts: readonly Uint8Array[]) => d.seq(d.oid('2b06010505070202'), d.seq(...parts));
const other = d.seq(d.oid('2a05'), d.nothing);

const policies = (rule: string, list: readonly Uint8Array[], what?: string): LintCase => ({
  rule,
  ...(what === undefined ? {} : { what }),
  change: extensions({ certificatePolicies: ext('certificatePolicies', d.seq(...list)) }),
});
const qualified = (rule: string, qualifier: Uint8Array, what?: string) =>
  policies(rule, [d.seq(ours, d.seq(qualifier))], what);

const inCa = (rule: string, id: keyof typeof d.ids, value: Uint8Array, what?: string): LintCase => ({
  rule,
  ...(what === undefined ? {} : { what }),
  kind: ca,
  change: extensions({ x: ext(id, value, true) }),
  pointer: `extensions.${id}`,
});
const constrained = (base: Uint8Array, ...bounds: readonly Uint8Array[]) => d.seq(d.der(0xa0, d.seq(base, ...bounds)));
const bad = (base: Uint8Array, what: string) =>
  inCa('name-constraints-base', 'nameConstraints', constrained(base), what);

export const policyCases: readonly LintCase[] = [
  policies('policies-syntax', [d.nothing]),
  policies('policies-syntax', [d.seq(ours, d.seq())], 'empty qualifiers'),
  policies('policies-not-empty', []),
  policies('policies-once', [d.seq(ours), d.seq(d.oid('2a04')), d.seq(ours)]),
  policies('policies-any-policy-qualifiers', [d.seq(anyPolicy, d.seq(other))]),
  qualified('policies-known-qualifiers', other),
  qualified('policies-cps-uri', cps(d.ia5('a.test/cps')), 'relative'),
  qualified('policies-cps-uri', cps(d.ia5('ftp://a.test/cps')), 'ftp'),
  qualified('policies-cps-uri', cps(d.utf8('http://a.test/cps')), 'UTF8String'),
  qualified('policies-notice-syntax', notice(d.int('01'))),
  qualified('policies-explicit-text-type', notice(d.ia5('text'))),
  qualified('policies-explicit-text-utf8', notice(d.text(0x1a, 'text')), 'VisibleString'),
  qualified('policies-explicit-text-utf8', notice(d.text(0x1e, 'text')), 'BMPString'),
  qualified('policies-explicit-text-length', notice(d.utf8('ä'.repeat(201)))),
  qualified('policies-explicit-text-length', notice(d.utf8('')), 'none'),
  qualified('policies-no-notice-reference', notice(d.seq(d.utf8('x'), d.seq(d.int('01'))))),
  inCa('policy-mappings-syntax', 'policyMappings', d.nothing),
  inCa('policy-mappings-syntax', 'policyMappings', d.seq(), 'empty'),
  {
    ...inCa('policy-mappings-not-any', 'policyMappings', d.seq(d.seq(ours, anyPolicy))),
    pointer: 'extensions.policyMappings.0',
  },
  {
    rule: 'policy-mappings-of-own-policies',
    kind: ca,
    change: extensions({
      certificatePolicies: ext('certificatePolicies', d.seq(d.seq(d.oid('2a07')))),
      x: ext('policyMappings', d.seq(d.seq(ours, d.oid('2a04'))), true),
    }),
  },
  inCa('policy-constraints-syntax', 'policyConstraints', d.seq(d.der(0x81, d.hex('00')), d.der(0x80, d.hex('00')))),
  inCa('policy-constraints-syntax', 'policyConstraints', d.seq(d.der(0x80, d.hex('ff'))), 'negative'),
  inCa('policy-constraints-not-empty', 'policyConstraints', d.seq()),
  inCa('inhibit-any-policy-syntax', 'inhibitAnyPolicy', d.nothing),
  inCa('inhibit-any-policy-syntax', 'inhibitAnyPolicy', d.int('ff'), 'negative'),
  inCa('name-constraints-syntax', 'nameConstraints', d.nothing),
  inCa('name-constraints-syntax', 'nameConstraints', d.seq(d.der(0xa0, d.nothing)), 'no subtree'),
  inCa('name-constraints-not-empty', 'nameConstraints', d.seq()),
  inCa('name-constraints-not-empty', 'nameConstraints', d.seq(d.der(0xa1)), 'empty list'),
  inCa('name-constraints-no-bounds', 'nameConstraints', constrained(d.text(0x82, 'a.test'), d.der(0x80, d.hex('00')))),
  inCa(
    'name-constraints-no-bounds',
    'nameConstraints',
    constrained(d.text(0x82, 'a.test'), d.der(0x81, d.hex('01'))),
    'maximum',
  ),
  bad(d.der(0x87, d.hex('c0000201')), 'address without mask'),
  bad(d.der(0x87, d.hex('c0000200ff00ff00')), 'mask with a hole'),
  bad(d.text(0x82, '*.a.test'), 'wildcard'),
  bad(d.text(0x86, 'http://a.test/'), 'a URI where a host belongs'),
  bad(d.text(0x81, 'a@'), 'mail without host'),
  bad(d.der(0xa4, d.nothing), 'no Name'),
];

/** Subtrees that are right. */
export const soundConstraints: readonly Uint8Array[] = [
  d.der(0x87, d.hex('c0000200ffffff00')),
  d.text(0x82, ''),
  d.text(0x86, '.a.test'),
  d.text(0x86, 'a.test'),
  d.text(0x81, 'a@b.test'),
  d.text(0x81, '.b.test'),
  d.der(0xa4, d.name(d.rdn(d.types.country, d.printable('CH')))),
].map((base) => ext('nameConstraints', constrained(base), true));

const point = (...parts: readonly Uint8Array[]) => d.seq(d.seq(...parts));
const fullName = (...names: readonly Uint8Array[]) => d.der(0xa0, d.der(0xa0, ...names));
const reasons = d.der(0x81, d.hex('0640'));
const crlIssuer = d.der(0xa2, d.der(0xa4, d.name(d.rdn(d.types.country, d.printable('CH')))));
const good = fullName(uri('http://a.test/x'));

const points: readonly (readonly [rule: string, value: Uint8Array, what?: string])[] = [
  ['syntax', d.nothing],
  ['syntax', d.seq(), 'empty'],
  ['syntax', point(good, good), 'two names'],
  ['not-reasons-only', point(reasons)],
  ['not-reasons-only', point(), 'nothing'],
  ['full-name', point(d.der(0xa0, d.der(0xa1, d.seq(d.oid(d.types.commonName), d.utf8('x')))))],
  ['http', point(fullName()), 'no name'],
  ['http', point(fullName(uri('https://a.test/x'))), 'https'],
  ['http', point(fullName(uri('ldap://a.test/x'))), 'ldap'],
  ['http', point(fullName(uri('http:x'))), 'no host'],
  ['http', point(fullName(uri('http://a.test/x'), d.text(0x82, 'a.test'))), 'another name beside'],
  ['all-reasons', point(good, reasons)],
  ['no-crl-issuer', point(good, crlIssuer)],
];
const access = (
  rule: string,
  id: 'authorityInfoAccess' | 'subjectInfoAccess',
  value: Uint8Array,
  what: string,
): LintCase => ({
  rule,
  what,
  change: extensions({ [id]: ext(id, value) }),
});
const description = (method: string, location: Uint8Array) => d.seq(d.seq(d.oid(method), location));
const methods = [
  ['authority-info-access', 'authorityInfoAccess', '2b06010505073002'],
  ['subject-info-access', 'subjectInfoAccess', '2b06010505073005'],
] as const;

export const distributionCases: readonly LintCase[] = [
  ...points.flatMap(([rule, value, what]): LintCase[] => [
    {
      rule: `crl-distribution-points-${rule}`,
      ...(what === undefined ? {} : { what }),
      change: extensions({ crlDistributionPoints: ext('crlDistributionPoints', value) }),
    },
    {
      rule: `freshest-crl-${rule}`,
      ...(what === undefined ? {} : { what }),
      change: extensions({ x: ext('freshestCrl', value) }),
    },
  ]),
  ...methods.flatMap(([rule, id, method]) => [
    access(`${rule}-syntax`, id, d.nothing, 'no SEQUENCE'),
    access(`${rule}-syntax`, id, d.seq(), 'empty'),
    access(`${rule}-syntax`, id, d.seq(d.seq(d.oid(method))), 'no location'),
    access(`${rule}-method`, id, description('2a03', uri('http://a.test/')), 'unknown'),
    access(`${rule}-http`, id, description(method, uri('https://a.test/')), 'https'),
    access(`${rule}-http`, id, description(method, uri('a.test')), 'relative'),
    access(`${rule}-http`, id, description(method, d.text(0x82, 'a.test')), 'no URI'),
  ]),
];

const without = { crlDistributionPoints: undefined, authorityInfoAccess: undefined };
export const revocationCases: readonly LintCase[] = [
  { rule: 'no-rev-avail-null', change: extensions({ ...without, x: ext('noRevAvail', d.seq()) }) },
  { rule: 'no-rev-avail-not-critical', change: extensions({ ...without, x: ext('noRevAvail', d.nothing, true) }) },
  { rule: 'no-rev-avail-not-in-ca', kind: ca, change: extensions({ ...without, x: ext('noRevAvail', d.nothing) }) },
  {
    rule: 'no-rev-avail-without-crl',
    change: extensions({ authorityInfoAccess: undefined, x: ext('noRevAvail', d.nothing) }),
  },
  {
    rule: 'no-rev-avail-without-crl',
    what: 'freshestCrl',
    change: extensions({ ...without, x: ext('noRevAvail', d.nothing), y: ext('freshestCrl', point(good)) }),
  },
  {
    rule: 'no-rev-avail-without-ocsp',
    change: extensions({ crlDistributionPoints: undefined, x: ext('noRevAvail', d.nothing) }),
  },
  { rule: 'ocsp-no-check-of-signer', change: extensions({ x: ext('ocspNoCheck', d.nothing) }) },
];
