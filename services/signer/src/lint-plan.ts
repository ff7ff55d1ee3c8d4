import { SluiceError } from '@sluice/errors';
import {
  assembleCertificate,
  type LintContext,
  type LintFinding,
  type LintKind,
  lintFixed,
  type ProfileDocument,
  readCertificate,
  type Template,
} from '@sluice/pki';
import type { Snapshot } from '@sluice/registry-protocol';

/** What every certificate of one profile revision is linted with: the CA it names, read once. */
export interface LintPlan {
  readonly issuer: NonNullable<LintContext['issuer']>;
}

type CaRow = Snapshot['cas'][number];

/** Errors first seen, as one sentence; what has a hundred faults is not told more clearly by a hundred of them. */
const findingsToldMax = 3;

/**
 * Reads what is known of the CA and checks what profile and CA alone determine, on a sample that carries the CA's own
 * key: whoever is certified, those parts are the same. Throws `lint-failed`, facts `{rules}`: nothing is signed by it.
 */
export function prepareLint(document: ProfileDocument, template: Template, ca: CaRow, spki: Uint8Array): LintPlan {
  const sample = template.fill({ ...sampleFacts, spki });
  const plan = { issuer: issuerOf(ca, spki, sample, template) };
  const errors = errorsOf(lintFixed(sample, { ...plan, kind: kindOf(document, ca) }));
  if (errors.length > 0) throw lintFailed(errors);
  return plan;
}

export function errorsOf(findings: readonly LintFinding[]): LintFinding[] {
  return findings.filter(({ severity }) => severity === 'error');
}

/** The refusal for these findings, naming rules and sources. */
export function lintFailed(errors: readonly LintFinding[]): SluiceError {
  const told = errors
    .slice(0, findingsToldMax)
    .map(({ rule, source, pointer, detail }) => `${rule} (${source}): ${pointer ?? 'the certificate'} ${detail}`);
  const rest = errors.length > told.length ? [`and ${errors.length - told.length} more`] : [];
  return new SluiceError('lint-failed', [...told, ...rest].join('; '), {
    facts: { rules: errors.map(({ rule }) => rule) },
  });
}

/** What the fixed rules do not look at. */
const sampleFacts = {
  serial: Uint8Array.from({ length: 16 }, (_, index) => 0x41 + index),
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2026-12-31T23:59:59Z'),
  content: { subject_dn: { common_name: 'sample' }, san: {} },
};

/** A CA without a certificate can sign one only: its own, as a root. Its key identifier is the one the sample got. */
function issuerOf(ca: CaRow, spki: Uint8Array, sample: Uint8Array, template: Template): LintPlan['issuer'] {
  const subjectDer = Buffer.from(ca.subjectDer, 'base64');
  const unsigned = () => assembleCertificate(sample, template.signatureAlgorithm, new Uint8Array(1));
  const own = readCertificate(ca.certificate === null ? unsigned() : Buffer.from(ca.certificate, 'base64'));
  const ski = own.ski ?? new Uint8Array();
  if (ca.certificate === null) return { subjectDer, ski, spki };
  return { subjectDer: own.subjectDer, ski, spki, notBefore: own.notBefore, notAfter: own.notAfter };
}

function kindOf({ name, purpose }: ProfileDocument, ca: CaRow): LintKind {
  if (purpose !== 'ca-certificate') return purpose;
  return ca.issuer === ca.name && ca.certificateProfile === name ? 'root' : 'subordinate-ca';
}
