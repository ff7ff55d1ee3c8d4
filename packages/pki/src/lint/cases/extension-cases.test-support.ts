import type { LintKind } from '../types.js';
import {
  clientAuth,
  extensionOf as ext,
  extensions,
  keyUsage,
  type LintCase,
  ocspSigning,
  purposes,
  san,
  uri,
} from './base.test-support.js';
import * as d from './der-writing.test-support.js';

const someKeyId = d.der(0x80, new Uint8Array(20).fill(0xca));
const ca: LintKind = 'subordinate-ca';
const eku = '2b060105050703';

export const identifierCases: readonly LintCase[] = [
  {
    rule: 'authority-key-id-syntax',
    change: extensions({ authorityKeyIdentifier: ext('authorityKeyIdentifier', d.nothing) }),
  },
  {
    rule: 'authority-key-id-syntax',
    what: 'wrong order',
    change: extensions({
      authorityKeyIdentifier: ext('authorityKeyIdentifier', d.seq(d.der(0x82, d.hex('01')), someKeyId)),
    }),
  },
  { rule: 'authority-key-id-present', change: extensions({ authorityKeyIdentifier: undefined }) },
  {
    rule: 'authority-key-id-present',
    what: 'no keyIdentifier',
    change: extensions({ authorityKeyIdentifier: ext('authorityKeyIdentifier', d.seq()) }),
  },
  {
    rule: 'authority-key-id-only',
    change: extensions({
      authorityKeyIdentifier: ext(
        'authorityKeyIdentifier',
        d.seq(someKeyId, d.der(0xa1, d.der(0x82, d.hex('61'))), d.der(0x82, d.hex('01'))),
      ),
    }),
  },
  {
    rule: 'authority-key-id-is-the-ca',
    change: extensions({ authorityKeyIdentifier: ext('authorityKeyIdentifier', d.seq(d.der(0x80, d.hex('0102')))) }),
  },
  {
    rule: 'root-key-ids-equal',
    kind: 'root',
    change: extensions({ authorityKeyIdentifier: ext('authorityKeyIdentifier', d.seq(someKeyId)) }),
    besides: ['authority-key-id-is-the-ca'],
  },
  {
    rule: 'subject-key-id-syntax',
    change: extensions({ subjectKeyIdentifier: ext('subjectKeyIdentifier', d.nothing) }),
  },
  { rule: 'subject-key-id-present', kind: ca, change: extensions({ subjectKeyIdentifier: undefined }) },
  { rule: 'subject-key-id-recommended', change: extensions({ subjectKeyIdentifier: undefined }) },
  {
    rule: 'subject-key-id-length',
    change: extensions({ subjectKeyIdentifier: ext('subjectKeyIdentifier', d.octets(new Uint8Array(33))) }),
  },
  {
    rule: 'subject-key-id-length',
    what: 'none',
    change: extensions({ subjectKeyIdentifier: ext('subjectKeyIdentifier', d.octets()) }),
  },
  {
    rule: 'subject-key-id-of-the-key',
    change: extensions({ subjectKeyIdentifier: ext('subjectKeyIdentifier', d.octets(new Uint8Array(20))) }),
  },
];

/** What each extension would hold, right but for its critical flag. */
const values = {
  issuerAltName: d.seq(uri('http://a.test/')),
  subjectDirectoryAttributes: d.seq(d.seq(d.oid('2a03'), d.set(d.utf8('x')))),
  nameConstraints: d.seq(d.der(0xa0, d.seq(d.text(0x82, 'example.test')))),
  policyConstraints: d.seq(d.der(0x80, d.hex('00'))),
  inhibitAnyPolicy: d.int('00'),
  policyMappings: d.seq(d.seq(d.oid('2a03'), d.oid('2a04'))),
  freshestCrl: d.seq(d.seq(d.der(0xa0, d.der(0xa0, uri('http://a.test/x'))))),
  subjectInfoAccess: d.seq(d.seq(d.oid('2b06010505073005'), uri('http://a.test/'))),
  tlsFeature: d.seq(d.int('05')),
  signedCertificateTimestamps: d.octets(),
} as const;

const added = (rule: string, id: keyof typeof values, critical: boolean, kind: LintKind = 'subscriber'): LintCase => ({
  rule,
  kind,
  change: extensions({ x: ext(id, values[id], critical) }),
  pointer: `extensions.${id}`,
});

/** An extension of the base under the other flag. */
const flipped = (rule: string, id: keyof typeof d.ids, kind: LintKind = 'subscriber'): LintCase => ({
  rule,
  kind,
  pointer: `extensions.${id}`,
  change: ({ extensions: { [id]: before } }) => {
    if (before === undefined) throw new Error(`the base has no ${id}`);
    const bare = Buffer.from(before).toString('hex');
    const idHex = Buffer.from(d.oid(d.ids[id])).toString('hex');
    const after = bare.slice(bare.indexOf(idHex) + idHex.length);
    const value = d.hex(after.replace(/^0101ff/, ''));
    return { extensions: { [id]: d.seq(d.oid(d.ids[id]), ...(after.startsWith('0101ff') ? [] : [d.yes]), value) } };
  },
});

export const criticalityCases: readonly LintCase[] = [
  flipped('authority-key-id-not-critical', 'authorityKeyIdentifier'),
  flipped('subject-key-id-not-critical', 'subjectKeyIdentifier'),
  flipped('key-usage-critical', 'keyUsage'),
  flipped('policies-not-critical', 'certificatePolicies'),
  flipped('basic-constraints-critical', 'basicConstraints', ca),
  flipped('crl-distribution-points-not-critical', 'crlDistributionPoints'),
  flipped('authority-info-access-not-critical', 'authorityInfoAccess'),
  flipped('ocsp-no-check-not-critical', 'ocspNoCheck', 'ocsp-signer'),
  added('policy-mappings-critical', 'policyMappings', false, ca),
  added('issuer-alt-name-not-critical', 'issuerAltName', true),
  added('subject-directory-attributes-not-critical', 'subjectDirectoryAttributes', true),
  added('name-constraints-critical', 'nameConstraints', false, ca),
  added('policy-constraints-critical', 'policyConstraints', false, ca),
  added('inhibit-any-policy-critical', 'inhibitAnyPolicy', false, ca),
  added('freshest-crl-not-critical', 'freshestCrl', true),
  added('subject-info-access-not-critical', 'subjectInfoAccess', true),
  added('tls-feature-not-critical', 'tlsFeature', true),
  added('sct-list-not-critical', 'signedCertificateTimestamps', true),
  added('policy-mappings-ca-only', 'policyMappings', true),
  added('policy-constraints-ca-only', 'policyConstraints', true),
  added('inhibit-any-policy-ca-only', 'inhibitAnyPolicy', true),
  added('name-constraints-ca-only', 'nameConstraints', true),
].map((one) =>
  // Who maps policies holds them.
  one.rule === 'policy-mappings-ca-only' ? { ...one, besides: ['policy-mappings-of-own-policies'] } : one,
);

const usage = (rule: string, unused: number, content: string, more: Partial<LintCase> = {}): LintCase => ({
  rule,
  change: extensions({ keyUsage: keyUsage(unused, content), extendedKeyUsage: undefined }),
  pointer: 'extensions.keyUsage',
  ...more,
});
const constraints = (...parts: readonly Uint8Array[]) => ext('basicConstraints', d.seq(...parts), true);

export const usageCases: readonly LintCase[] = [
  { rule: 'key-usage-syntax', change: extensions({ keyUsage: ext('keyUsage', d.nothing, true) }) },
  usage('key-usage-not-empty', 0, ''),
  usage('key-usage-not-empty', 7, '00', { what: 'a zero' }),
  usage('key-usage-no-trailing-zeros', 0, '80'),
  usage('key-usage-known-bits', 6, '8040'),
  usage('key-usage-refines-agreement', 7, '8080'),
  usage('key-usage-crl-sign-ca', 1, '82'),
  usage('key-usage-cert-sign-ca', 2, '84'),
  usage('key-usage-ca-signs', 2, '04', { kind: ca }),
  usage('key-usage-ca-only-signs', 1, '46', { kind: ca }),
  {
    rule: 'key-usage-present-in-ca',
    kind: ca,
    change: extensions({ keyUsage: undefined, basicConstraints: constraints(d.yes) }),
  },
  { rule: 'basic-constraints-syntax', change: extensions({ x: ext('basicConstraints', d.nothing) }) },
  { rule: 'basic-constraints-syntax', what: 'a member too many', change: extensions({ x: constraints(d.utf8('x')) }) },
  { rule: 'basic-constraints-default', change: extensions({ x: constraints(d.hex('010100')) }) },
  { rule: 'basic-constraints-no-ca', change: extensions({ x: constraints(d.yes) }) },
  {
    rule: 'basic-constraints-no-ca',
    what: 'of an OCSP signer',
    kind: 'ocsp-signer',
    change: extensions({ x: constraints(d.yes) }),
  },
  {
    rule: 'basic-constraints-ca',
    kind: ca,
    change: extensions({ basicConstraints: undefined }),
    besides: ['key-usage-cert-sign-ca'],
  },
  {
    rule: 'basic-constraints-ca',
    what: 'not a CA',
    kind: ca,
    change: extensions({ basicConstraints: constraints() }),
    besides: ['key-usage-cert-sign-ca'],
  },
  { rule: 'path-length-of-ca', change: extensions({ x: constraints(d.int('00')) }) },
  {
    rule: 'path-length-not-negative',
    kind: ca,
    change: extensions({ basicConstraints: constraints(d.yes, d.int('ff')) }),
  },
  { rule: 'extended-key-usage-syntax', change: extensions({ extendedKeyUsage: ext('extendedKeyUsage', d.nothing) }) },
  { rule: 'extended-key-usage-not-empty', change: extensions({ extendedKeyUsage: purposes() }) },
  { rule: 'extended-key-usage-not-any', change: extensions({ extendedKeyUsage: purposes(clientAuth, '551d2500') }) },
  {
    rule: 'extended-key-usage-once',
    change: extensions({ extendedKeyUsage: purposes(clientAuth, `${eku}01`, clientAuth) }),
  },
  { rule: 'extended-key-usage-no-ocsp-in-ca', kind: ca, change: extensions({ x: purposes(ocspSigning) }) },
  { rule: 'extended-key-usage-no-ocsp-in-subscriber', change: extensions({ extendedKeyUsage: purposes(ocspSigning) }) },
  { rule: 'extended-key-usage-time-stamping', change: extensions({ extendedKeyUsage: purposes(`${eku}08`) }) },
  {
    rule: 'extended-key-usage-time-stamping',
    what: 'not alone',
    change: extensions({
      extendedKeyUsage: ext('extendedKeyUsage', d.seq(d.oid(`${eku}08`), d.oid(clientAuth)), true),
    }),
  },
  {
    rule: 'extended-key-usage-fits-key-usage',
    change: extensions({ keyUsage: keyUsage(6, '40'), extendedKeyUsage: purposes(clientAuth) }),
  },
];

export const signerCases: readonly LintCase[] = [
  { rule: 'ocsp-signer-purpose', change: extensions({ extendedKeyUsage: undefined }) },
  {
    rule: 'ocsp-signer-purpose',
    what: 'not alone',
    change: extensions({ extendedKeyUsage: purposes(ocspSigning, clientAuth) }),
  },
  { rule: 'ocsp-signer-purpose', what: 'another', change: extensions({ extendedKeyUsage: purposes(clientAuth) }) },
  { rule: 'ocsp-signer-key-usage', change: extensions({ keyUsage: keyUsage(6, 'c0') }) },
  { rule: 'ocsp-signer-key-usage', what: 'absent', change: extensions({ keyUsage: undefined }) },
  { rule: 'ocsp-signer-no-check', change: extensions({ ocspNoCheck: undefined }) },
  { rule: 'ocsp-no-check-null', change: extensions({ ocspNoCheck: ext('ocspNoCheck', d.octets()) }) },
  { rule: 'ocsp-signer-no-san', change: extensions({ x: san(d.text(0x82, 'a.test')) }) },
  {
    rule: 'ocsp-signer-no-crl-distribution-points',
    change: extensions({ x: ext('crlDistributionPoints', values.freshestCrl) }),
  },
  {
    rule: 'ocsp-signer-no-authority-info-access',
    change: extensions({
      x: ext('authorityInfoAccess', d.seq(d.seq(d.oid('2b06010505073002'), uri('http://a.test/')))),
    }),
  },
  {
    rule: 'ocsp-signer-no-policies',
    change: extensions({ x: ext('certificatePolicies', d.seq(d.seq(d.oid('2a03')))) }),
  },
].map((one) => ({ ...one, kind: 'ocsp-signer' }));
