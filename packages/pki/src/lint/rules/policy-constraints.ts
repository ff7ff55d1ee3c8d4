import type { CertificateView } from '../certificate-view.js';
import { type DerNode, derTags } from '../der.js';
import type { ExtensionName } from '../object-identifiers.js';
import { fixedRule } from '../rule.js';
import { endEntityKinds, type LintRule } from '../types.js';
import { anyPolicy, policiesOf } from './policies.js';

const mappingSource = 'RFC 5280 4.2.1.5';
const constraintSource = 'RFC 5280 4.2.1.11';
const mappingPointer = 'extensions.policyMappings';
const constraintPointer = 'extensions.policyConstraints';

interface Mapping {
  readonly issuer: DerNode;
  readonly subject: DerNode;
}

function mappingsOf(certificate: CertificateView): Mapping[] | undefined {
  const { der } = certificate;
  const nodes = der.sequence(certificate.valueOf('policyMappings'));
  const mappings: Mapping[] = [];
  for (const node of nodes ?? []) {
    const [issuer, subject, more] = der.sequence(node) ?? [];
    if (issuer?.tag !== derTags.oid || subject?.tag !== derTags.oid || more !== undefined) return undefined;
    mappings.push({ issuer, subject });
  }
  return nodes && mappings;
}

/** [0] requireExplicitPolicy, [1] inhibitPolicyMapping: small numbers, in this order. */
function constraintsOf(certificate: CertificateView): DerNode[] | undefined {
  const { der } = certificate;
  const parts = der.sequence(certificate.valueOf('policyConstraints'));
  let previous = -1;
  for (const part of parts ?? []) {
    const number = part.tag - 0x80;
    if (number <= previous || number > 1 || der.smallInteger(part) < 0) return undefined;
    previous = number;
  }
  return parts;
}

/** Extensions whose meaning is a CA's alone (RFC 5280 4.2.1.5, .10, .11, .14). */
function caOnlyRule(name: string, source: string, extension: ExtensionName): LintRule {
  return fixedRule(
    name,
    source,
    `extensions.${extension}`,
    (certificate, _context, report) => {
      if (certificate.extension(extension) !== undefined) report('must stand in CA certificates only');
    },
    { appliesTo: endEntityKinds },
  );
}

export const policyConstraintRules: readonly LintRule[] = [
  caOnlyRule('policy-mappings-ca-only', mappingSource, 'policyMappings'),
  fixedRule('policy-mappings-syntax', mappingSource, mappingPointer, (certificate, _context, report) => {
    if (certificate.valueOf('policyMappings') === undefined) return;
    const mappings = mappingsOf(certificate);
    if (mappings === undefined) report('is not a SEQUENCE of pairs of OBJECT IDENTIFIERs');
    else if (mappings.length === 0) report('must hold one mapping at least');
  }),
  fixedRule('policy-mappings-not-any', mappingSource, mappingPointer, (certificate, _context, report) => {
    mappingsOf(certificate)?.forEach(({ issuer, subject }, index) => {
      if ([issuer, subject].some((id) => certificate.der.contentIs(id, anyPolicy))) {
        report('must map neither from nor to anyPolicy', `${mappingPointer}.${index}`);
      }
    });
  }),
  fixedRule(
    'policy-mappings-of-own-policies',
    mappingSource,
    mappingPointer,
    (certificate, _context, report) => {
      const { der } = certificate;
      const policies = policiesOf(certificate) ?? [];
      mappingsOf(certificate)?.forEach(({ issuer }, index) => {
        const octets = der.bytes.subarray(issuer.content, issuer.end);
        const isOwn = policies.some(({ id }) => der.contentIs(id, octets) || der.contentIs(id, anyPolicy));
        if (!isOwn) report('maps from a policy that certificatePolicies does not hold', `${mappingPointer}.${index}`);
      });
    },
    { severity: 'warning' },
  ),
  caOnlyRule('policy-constraints-ca-only', constraintSource, 'policyConstraints'),
  fixedRule('policy-constraints-syntax', constraintSource, constraintPointer, (certificate, _context, report) => {
    if (certificate.valueOf('policyConstraints') !== undefined && constraintsOf(certificate) === undefined) {
      report('is not a PolicyConstraints');
    }
  }),
  fixedRule('policy-constraints-not-empty', constraintSource, constraintPointer, (certificate, _context, report) => {
    if (constraintsOf(certificate)?.length === 0) report('must hold one constraint at least');
  }),
  caOnlyRule('inhibit-any-policy-ca-only', 'RFC 5280 4.2.1.14', 'inhibitAnyPolicy'),
  fixedRule(
    'inhibit-any-policy-syntax',
    'RFC 5280 4.2.1.14',
    'extensions.inhibitAnyPolicy',
    (certificate, _context, report) => {
      const value = certificate.valueOf('inhibitAnyPolicy');
      if (value === undefined) return;
      if (value.tag !== derTags.integer || certificate.der.smallInteger(value) < 0) {
        report('is not an INTEGER from 0');
      }
    },
  ),
  caOnlyRule('name-constraints-ca-only', 'RFC 5280 4.2.1.10', 'nameConstraints'),
];
