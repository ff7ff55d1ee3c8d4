import { type CertificateView, type Opened, openCertificate, openTbs } from './certificate-view.js';
import { lintRules } from './lint-rules.js';
import { derRules } from './rules/der-rules.js';
import { everyKind, type LintContext, type LintFinding, type LintKind, type LintRule, type Report } from './types.js';

/** Most findings of one run: what has more is not read more closely for it. */
const findingsMax = 100;

const byName = new Map(derRules.map((rule) => [rule.name, rule]));
const isRead = new Set<LintRule>(derRules);

/** The rules of one kind of certificate, without those of the encoding, which the reader applies. */
function rulesFor(kind: LintKind, phase?: LintRule['phase']): readonly LintRule[] {
  return lintRules.filter(
    (rule) => !isRead.has(rule) && rule.appliesTo.includes(kind) && (phase === undefined || rule.phase === phase),
  );
}

const tableOf = (phase?: LintRule['phase']) => new Map(everyKind.map((kind) => [kind, rulesFor(kind, phase)]));
const allRules = tableOf();
const variableRules = tableOf('variable');
const fixedRules = tableOf('fixed');

/**
 * Checks a TBSCertificate, DER, as it will be signed, against every rule for its kind. No finding: an empty list. Never
 * throws, whatever the octets are; takes time in proportion to their number. What cannot be taken apart as DER gets the
 * finding that says so, and no others.
 */
export function lintTbs(tbs: Uint8Array, context: LintContext): LintFinding[] {
  return run(openTbs(tbs), context, allRules);
}

/** As `lintTbs`, with only the rules about what a request may change: for each signature, after `lintFixed` once. */
export function lintVariable(tbs: Uint8Array, context: LintContext): LintFinding[] {
  return run(openTbs(tbs), context, variableRules);
}

/** As `lintTbs`, with only the rules about what profile and CA determine: once, when a profile is applied. */
export function lintFixed(tbs: Uint8Array, context: LintContext): LintFinding[] {
  return run(openTbs(tbs), context, fixedRules);
}

/** As `lintTbs`, for a signed Certificate, DER: its outer members too. Does not verify the signature. */
export function lintCertificate(der: Uint8Array, context: LintContext): LintFinding[] {
  return run(openCertificate(der), context, allRules);
}

function run(
  { view, faults }: Opened,
  context: LintContext,
  table: ReadonlyMap<LintKind, readonly LintRule[]>,
): LintFinding[] {
  const findings: LintFinding[] = [];
  for (const fault of faults) {
    const rule = byName.get(fault.rule);
    if (rule !== undefined) add(findings, rule, fault.detail, view?.pointerAt(fault.at));
  }
  if (view !== undefined) check(view, context, table.get(context.kind) ?? [], findings);
  return findings;
}

function check(view: CertificateView, context: LintContext, rules: readonly LintRule[], findings: LintFinding[]): void {
  let current: LintRule | undefined;
  const report: Report = (detail, pointer) => {
    if (current !== undefined) add(findings, current, detail, pointer);
  };
  for (const rule of rules) {
    current = rule;
    rule.check(view, context, report);
  }
}

function add(findings: LintFinding[], rule: LintRule, detail: string, pointer: string | undefined): void {
  if (findings.length >= findingsMax) return;
  const { name, source, severity } = rule;
  findings.push({ rule: name, source, severity, pointer: pointer ?? rule.pointer, detail });
}
