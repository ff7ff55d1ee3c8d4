import type { CertificateView } from '../certificate-view.js';
import { type Der, type DerNode, derTags } from '../der.js';
import { readUri } from '../general-names.js';
import { dottedOid, oid } from '../object-identifiers.js';
import { fixedRule } from '../rule.js';
import { utf8Characters } from '../strings.js';
import type { LintRule, Report } from '../types.js';

const pointer = 'extensions.certificatePolicies';
const source = 'RFC 5280 4.2.1.4';
const explicitTextCharactersMax = 200;

export const anyPolicy = oid('551d2000');
const cpsQualifier = oid('2b06010505070201');
const noticeQualifier = oid('2b06010505070202');

interface QualifierView {
  readonly id: DerNode;
  readonly value: DerNode;
}
interface PolicyView {
  readonly id: DerNode;
  readonly qualifiers: readonly QualifierView[];
}

function readQualifiers(der: Der, list: DerNode): QualifierView[] | undefined {
  const qualifiers: QualifierView[] = [];
  const nodes = der.sequence(list);
  if (nodes === undefined || nodes.length === 0) return undefined;
  for (const node of nodes) {
    const [id, value, more] = der.sequence(node) ?? [];
    if (id?.tag !== derTags.oid || value === undefined || more !== undefined) return undefined;
    qualifiers.push({ id, value });
  }
  return qualifiers;
}

/** The policies; `undefined` when the extension is absent or holds something else. */
export function policiesOf(certificate: CertificateView): PolicyView[] | undefined {
  const { der } = certificate;
  const nodes = der.sequence(certificate.valueOf('certificatePolicies'));
  const policies: PolicyView[] = [];
  for (const node of nodes ?? []) {
    const [id, list, more] = der.sequence(node) ?? [];
    if (id?.tag !== derTags.oid || more !== undefined) return undefined;
    const qualifiers = list === undefined ? [] : readQualifiers(der, list);
    if (qualifiers === undefined) return undefined;
    policies.push({ id, qualifiers });
  }
  return nodes && policies;
}

function isKnownQualifier(der: Der, { id }: QualifierView): boolean {
  return der.contentIs(id, cpsQualifier) || der.contentIs(id, noticeQualifier);
}

/** A rule about each policy. */
function policyRule(
  name: string,
  ruleSource: string,
  check: (der: Der, policy: PolicyView, report: Report) => void,
  severity: LintRule['severity'] = 'error',
): LintRule {
  return fixedRule(
    name,
    ruleSource,
    pointer,
    (certificate, _context, report) => {
      policiesOf(certificate)?.forEach((policy, index) => {
        check(certificate.der, policy, (detail) => report(detail, `${pointer}.${index}`));
      });
    },
    { severity },
  );
}

interface NoticeView {
  readonly reference: boolean;
  readonly text: DerNode | undefined;
}

const textTags: ReadonlySet<number> = new Set([
  derTags.utf8String,
  derTags.ia5String,
  derTags.visibleString,
  derTags.bmpString,
]);

/** UserNotice; `undefined` when it is not one. */
function readNotice(der: Der, value: DerNode): NoticeView | undefined {
  const parts = der.sequence(value);
  if (parts === undefined || parts.length > 2) return undefined;
  const reference = parts[0]?.tag === derTags.sequence;
  const rest = reference ? parts.slice(1) : parts;
  if (rest.length > 1 || (rest[0] !== undefined && !textTags.has(rest[0].tag))) return undefined;
  return { reference, text: rest[0] };
}

/** A rule about each user notice. */
function noticeRule(
  name: string,
  ruleSource: string,
  fault: (der: Der, notice: NoticeView | undefined) => string | undefined,
  severity: LintRule['severity'] = 'error',
): LintRule {
  return policyRule(
    name,
    ruleSource,
    (der, { qualifiers }, report) => {
      for (const { id, value } of qualifiers) {
        const detail = der.contentIs(id, noticeQualifier) ? fault(der, readNotice(der, value)) : undefined;
        if (detail !== undefined) report(detail);
      }
    },
    severity,
  );
}

function charactersOf(der: Der, { tag, content, end }: DerNode): number {
  if (tag === derTags.bmpString) return (end - content) / 2;
  return tag === derTags.utf8String ? utf8Characters(der.bytes, content, end) : end - content;
}

export const policyRules: readonly LintRule[] = [
  fixedRule('policies-syntax', source, pointer, (certificate, _context, report) => {
    if (certificate.valueOf('certificatePolicies') !== undefined && policiesOf(certificate) === undefined) {
      report('is not a SEQUENCE of PolicyInformation');
    }
  }),
  fixedRule('policies-not-empty', source, pointer, (certificate, _context, report) => {
    if (policiesOf(certificate)?.length === 0) report('must hold one policy at least');
  }),
  fixedRule('policies-once', source, pointer, (certificate, _context, report) => {
    const { der } = certificate;
    const policies = policiesOf(certificate) ?? [];
    policies.forEach(({ id }, index) => {
      const octets = der.bytes.subarray(id.content, id.end);
      if (policies.slice(0, index).some((earlier) => der.contentIs(earlier.id, octets))) {
        report(`holds ${dottedOid(der.bytes, id.content, id.end)} twice`, `${pointer}.${index}`);
      }
    });
  }),
  policyRule('policies-any-policy-qualifiers', source, (der, policy, report) => {
    if (!der.contentIs(policy.id, anyPolicy)) return;
    if (!policy.qualifiers.every((qualifier) => isKnownQualifier(der, qualifier))) {
      report('must have no qualifiers beside CPS and user notice, being anyPolicy');
    }
  }),
  policyRule(
    'policies-known-qualifiers',
    source,
    (der, policy, report) => {
      if (der.contentIs(policy.id, anyPolicy)) return;
      if (!policy.qualifiers.every((qualifier) => isKnownQualifier(der, qualifier))) {
        report('has a qualifier that is neither CPS nor user notice');
      }
    },
    'warning',
  ),
  policyRule('policies-cps-uri', source, (der, { qualifiers }, report) => {
    for (const { id, value } of qualifiers) {
      if (!der.contentIs(id, cpsQualifier)) continue;
      const uri = value.tag === derTags.ia5String ? readUri(der.bytes, value.content, value.end) : undefined;
      if (uri?.host === undefined || (uri.scheme !== 'http' && uri.scheme !== 'https')) {
        report('must have an absolute http: or https: URI, an IA5String, as CPS');
      }
    }
  }),
  noticeRule('policies-notice-syntax', source, (_der, notice) =>
    notice === undefined ? 'has a user notice that is not one' : undefined,
  ),
  noticeRule('policies-explicit-text-type', 'RFC 6818 3', (_der, notice) =>
    notice?.text?.tag === derTags.ia5String ? 'must not have an IA5String as explicitText' : undefined,
  ),
  noticeRule(
    'policies-explicit-text-utf8',
    'RFC 6818 3',
    (_der, notice) =>
      notice?.text?.tag === derTags.visibleString || notice?.text?.tag === derTags.bmpString
        ? 'should have a UTF8String as explicitText'
        : undefined,
    'warning',
  ),
  noticeRule('policies-explicit-text-length', source, (der, notice) => {
    if (notice?.text === undefined) return undefined;
    const characters = charactersOf(der, notice.text);
    const isFit = characters >= 1 && characters <= explicitTextCharactersMax;
    // Text that is not UTF-8 has -1 characters and a rule of its own.
    return isFit || characters < 0
      ? undefined
      : `must have an explicitText of 1 to ${explicitTextCharactersMax} characters`;
  }),
  noticeRule(
    'policies-no-notice-reference',
    source,
    (_der, notice) => (notice?.reference ? 'should have no noticeRef' : undefined),
    'warning',
  ),
];
