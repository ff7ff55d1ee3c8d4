import type { ExtensionName } from '../object-identifiers.js';
import { fixedRule } from '../rule.js';
import { caKinds, everyKind, type LintKind, type LintRule, type LintSeverity } from '../types.js';

interface Criticality {
  readonly rule: string;
  readonly extension: ExtensionName;
  readonly critical: boolean;
  readonly source: string;
  readonly severity?: LintSeverity;
  readonly appliesTo?: readonly LintKind[];
}

/** Where the specification leaves no choice, or only one good one. subjectAltName depends on the subject: see there. */
const criticality: readonly Criticality[] = [
  { rule: 'authority-key-id', extension: 'authorityKeyIdentifier', critical: false, source: 'RFC 5280 4.2.1.1' },
  { rule: 'subject-key-id', extension: 'subjectKeyIdentifier', critical: false, source: 'RFC 5280 4.2.1.2' },
  { rule: 'key-usage', extension: 'keyUsage', critical: true, source: 'RFC 5280 4.2.1.3' },
  {
    rule: 'policies',
    extension: 'certificatePolicies',
    critical: false,
    source: 'BR 7.1.2.7.9',
    severity: 'warning',
  },
  {
    rule: 'policy-mappings',
    extension: 'policyMappings',
    critical: true,
    source: 'RFC 5280 4.2.1.5',
    severity: 'warning',
  },
  {
    rule: 'issuer-alt-name',
    extension: 'issuerAltName',
    critical: false,
    source: 'RFC 5280 4.2.1.7',
    severity: 'warning',
  },
  {
    rule: 'subject-directory-attributes',
    extension: 'subjectDirectoryAttributes',
    critical: false,
    source: 'RFC 5280 4.2.1.8',
  },
  {
    rule: 'basic-constraints',
    extension: 'basicConstraints',
    critical: true,
    source: 'RFC 5280 4.2.1.9',
    appliesTo: caKinds,
  },
  { rule: 'name-constraints', extension: 'nameConstraints', critical: true, source: 'RFC 5280 4.2.1.10' },
  { rule: 'policy-constraints', extension: 'policyConstraints', critical: true, source: 'RFC 5280 4.2.1.11' },
  { rule: 'crl-distribution-points', extension: 'crlDistributionPoints', critical: false, source: 'RFC 5280 4.2.1.13' },
  { rule: 'inhibit-any-policy', extension: 'inhibitAnyPolicy', critical: true, source: 'RFC 5280 4.2.1.14' },
  { rule: 'freshest-crl', extension: 'freshestCrl', critical: false, source: 'RFC 5280 4.2.1.15' },
  { rule: 'authority-info-access', extension: 'authorityInfoAccess', critical: false, source: 'RFC 5280 4.2.2.1' },
  { rule: 'subject-info-access', extension: 'subjectInfoAccess', critical: false, source: 'RFC 5280 4.2.2.2' },
  { rule: 'ocsp-no-check', extension: 'ocspNoCheck', critical: false, source: 'RFC 6960 4.2.2.2.1' },
  { rule: 'no-rev-avail', extension: 'noRevAvail', critical: false, source: 'RFC 9608 2' },
  { rule: 'tls-feature', extension: 'tlsFeature', critical: false, source: 'RFC 7633 4' },
  { rule: 'sct-list', extension: 'signedCertificateTimestamps', critical: false, source: 'RFC 6962 3.3' },
];

const criticalityRules = criticality.map(({ rule, extension, critical, source, severity, appliesTo }) =>
  fixedRule(
    `${rule}-${critical ? 'critical' : 'not-critical'}`,
    source,
    `extensions.${extension}`,
    (certificate, _context, report) => {
      const found = certificate.extension(extension);
      if (found !== undefined && found.critical !== critical) {
        report(critical ? 'must be critical' : 'must not be critical');
      }
    },
    { severity: severity ?? 'error', appliesTo: appliesTo ?? everyKind },
  ),
);

export const extensionRules: readonly LintRule[] = [
  fixedRule('extensions-not-empty', 'RFC 5280 4.1.2.9', 'extensions', ({ members, extensions }, _context, report) => {
    if (members.extensionList !== undefined && extensions.length === 0) report('must hold one extension at least');
  }),
  fixedRule('extension-once', 'RFC 5280 4.2', 'extensions', (certificate, _context, report) => {
    const { der, extensions } = certificate;
    for (let index = 1; index < extensions.length; index += 1) {
      const extension = extensions[index];
      if (extension === undefined) continue;
      const octets = der.bytes.subarray(extension.oid.start, extension.oid.end);
      const isRepeated = extensions.slice(0, index).some(({ oid }) => der.nodeIs(oid, octets));
      if (isRepeated) report('stands there twice', `extensions.${certificate.nameOf(extension)}`);
    }
  }),
  // Whoever does not know a critical extension must refuse the certificate, and nobody here knows it either.
  fixedRule('extension-critical-known', 'RFC 5280 4.2', 'extensions', (certificate, _context, report) => {
    for (const extension of certificate.extensions) {
      if (extension.critical && extension.name === undefined) {
        report('is critical, and unknown', `extensions.${certificate.nameOf(extension)}`);
      }
    }
  }),
  ...criticalityRules,
];
