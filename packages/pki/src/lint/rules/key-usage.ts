import { basicConstraintsOf } from '../basic-constraints-view.js';
import type { CertificateView } from '../certificate-view.js';
import { derTags } from '../der.js';
import { keyUsageOf, usageNames, usages } from '../key-usage-view.js';
import { fixedRule, variableRule } from '../rule.js';
import type { KeyAlgorithm } from '../spki-view.js';
import { caKinds, type LintRule } from '../types.js';

const pointer = 'extensions.keyUsage';

/** A rule that sees the usages of a certificate that has some. */
function usageRule(
  name: string,
  source: string,
  fault: (bits: number, certificate: CertificateView) => string | undefined,
  appliesTo?: LintRule['appliesTo'],
): LintRule {
  return fixedRule(
    name,
    source,
    pointer,
    (certificate, _context, report) => {
      const bits = keyUsageOf(certificate);
      const detail = bits < 0 ? undefined : fault(bits, certificate);
      if (detail !== undefined) report(detail);
    },
    appliesTo === undefined ? {} : { appliesTo },
  );
}

const syntaxRules: readonly LintRule[] = [
  fixedRule('key-usage-syntax', 'RFC 5280 4.2.1.3', pointer, (certificate, _context, report) => {
    const value = certificate.valueOf('keyUsage');
    if (value !== undefined && value.tag !== derTags.bitString) report('is not a BIT STRING');
  }),
  usageRule('key-usage-not-empty', 'RFC 5280 4.2.1.3', (bits) =>
    bits === 0 ? 'must set one bit at least' : undefined,
  ),
  // A named bit list ends in its last 1 (X.690 11.2.2). One without any is the rule's above.
  usageRule('key-usage-no-trailing-zeros', 'X.690 11.2.2', (bits, certificate) => {
    const value = certificate.valueOf('keyUsage');
    if (bits <= 0 || value === undefined) return undefined;
    const { bytes } = certificate.der;
    const unused = bytes[value.content] ?? 0;
    return (((bytes[value.end - 1] ?? 0) >> unused) & 1) === 0 ? 'must end in its last bit that is set' : undefined;
  }),
  usageRule('key-usage-known-bits', 'RFC 5280 4.2.1.3', (bits) =>
    bits >= 2 * usages.decipherOnly ? 'sets a bit that has no meaning' : undefined,
  ),
];

const caRules: readonly LintRule[] = [
  fixedRule(
    'key-usage-present-in-ca',
    'RFC 5280 4.2.1.3',
    pointer,
    (certificate, _context, report) => {
      if (certificate.extension('keyUsage') === undefined) report('must be present in a CA certificate');
    },
    { appliesTo: caKinds },
  ),
  usageRule(
    'key-usage-ca-signs',
    'BR 7.1.2.10.7',
    (bits) => {
      const missing = (usages.keyCertSign | usages.cRLSign) & ~bits;
      // An empty one has a rule of its own.
      return bits !== 0 && missing !== 0 ? `must set ${usageNames(missing)} in a CA certificate` : undefined;
    },
    caKinds,
  ),
  usageRule(
    'key-usage-ca-only-signs',
    'BR 7.1.2.10.7',
    (bits) => {
      const beyond = bits & 0x1ff & ~(usages.digitalSignature | usages.keyCertSign | usages.cRLSign);
      return beyond === 0 ? undefined : `must not set ${usageNames(beyond)} in a CA certificate`;
    },
    caKinds,
  ),
  usageRule('key-usage-cert-sign-ca', 'RFC 5280 4.2.1.9', (bits, certificate) =>
    (bits & usages.keyCertSign) !== 0 && basicConstraintsOf(certificate)?.ca !== true
      ? 'must not set keyCertSign where basicConstraints does not say cA'
      : undefined,
  ),
  usageRule(
    'key-usage-crl-sign-ca',
    'BR 7.1.2.7.11',
    (bits) => ((bits & usages.cRLSign) !== 0 ? 'must not set cRLSign in a certificate that is not of a CA' : undefined),
    ['subscriber', 'ocsp-signer'],
  ),
];

/** Usages that no key of an algorithm can serve. They depend on the key that the request brought. */
function impossible(name: string, source: string, algorithm: KeyAlgorithm, bits: number): LintRule {
  return variableRule(name, source, pointer, (certificate, _context, report) => {
    if (certificate.spki?.algorithm !== algorithm) return;
    const usage = keyUsageOf(certificate);
    if (usage > 0 && (usage & bits) !== 0) report(`must not set ${usageNames(usage & bits)} for such a key`);
  });
}

const enciphering = usages.keyEncipherment | usages.dataEncipherment;
const agreeing = usages.keyAgreement | usages.encipherOnly | usages.decipherOnly;

export const keyUsageRules: readonly LintRule[] = [
  ...syntaxRules,
  ...caRules,
  usageRule('key-usage-refines-agreement', 'RFC 5280 4.2.1.3', (bits) =>
    (bits & (usages.encipherOnly | usages.decipherOnly)) !== 0 && (bits & usages.keyAgreement) === 0
      ? 'must set encipherOnly and decipherOnly beside keyAgreement only'
      : undefined,
  ),
  impossible('key-usage-of-rsa', 'RFC 3279 2.3.1', 'rsa', agreeing),
  impossible('key-usage-of-ec', 'RFC 8813 3', 'ec', enciphering),
  impossible('key-usage-of-ed25519', 'RFC 8410 5', 'ed25519', enciphering | agreeing),
];
