import { keyUsageOf, usageNames, usages } from '../key-usage-view.js';
import type { ExtensionName } from '../object-identifiers.js';
import { fixedRule } from '../rule.js';
import type { LintKind, LintRule } from '../types.js';
import { ocspSigning, purposesOf } from './extended-key-usage.js';

const appliesTo: readonly LintKind[] = ['ocsp-signer'];

/** Extensions that have no place in the certificate of an OCSP signer. */
const absent: readonly (readonly [rule: string, extension: ExtensionName, source: string])[] = [
  ['ocsp-signer-no-san', 'subjectAltName', 'BR 7.1.2.8.2'],
  ['ocsp-signer-no-crl-distribution-points', 'crlDistributionPoints', 'BR 7.1.2.8.2'],
  ['ocsp-signer-no-authority-info-access', 'authorityInfoAccess', 'BR 7.1.2.8.3'],
  ['ocsp-signer-no-policies', 'certificatePolicies', 'BR 7.1.2.8.8'],
];

export const ocspSignerRules: readonly LintRule[] = [
  fixedRule(
    'ocsp-signer-purpose',
    'RFC 6960 4.2.2.2',
    'extensions.extendedKeyUsage',
    (certificate, _context, report) => {
      const extension = certificate.extension('extendedKeyUsage');
      const purposes = purposesOf(certificate);
      if (extension === undefined) report('must be present, and hold OCSPSigning');
      // One that is not readable, or empty, is another rule's.
      if (purposes === undefined || purposes.length === 0) return;
      const [purpose] = purposes;
      const isAlone = purposes.length === 1 && purpose !== undefined && certificate.der.contentIs(purpose, ocspSigning);
      if (!isAlone) report('must hold OCSPSigning alone');
    },
    { appliesTo },
  ),
  fixedRule(
    'ocsp-signer-key-usage',
    'BR 7.1.2.8.7',
    'extensions.keyUsage',
    (certificate, _context, report) => {
      const bits = keyUsageOf(certificate);
      if (certificate.extension('keyUsage') === undefined) report('must be present');
      else if (bits > 0 && bits !== usages.digitalSignature) {
        report(`must set digitalSignature alone, not ${usageNames(bits)}`);
      }
    },
    { appliesTo },
  ),
  fixedRule(
    'ocsp-signer-no-check',
    'BR 7.1.2.8.6',
    'extensions.ocspNoCheck',
    (certificate, _context, report) => {
      if (certificate.extension('ocspNoCheck') === undefined)
        report('must be present: nobody can ask about the signer');
    },
    { appliesTo },
  ),
  ...absent.map(([rule, extension, source]) =>
    fixedRule(
      rule,
      source,
      `extensions.${extension}`,
      (certificate, _context, report) => {
        if (certificate.extension(extension) !== undefined) report('must be absent from an OCSP signer');
      },
      { appliesTo },
    ),
  ),
];
