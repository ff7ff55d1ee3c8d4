import {
  type LintContext,
  type LintFinding,
  type LintKind,
  lintTbs,
  lintVariable,
  validitySecondsMax,
} from '@sluice/pki';
import { errorsOf, lintFailed } from './lint-plan.js';
import type { CheckedRow } from './recheck.js';

declare const linted: unique symbol;

/** A TBSCertificate that broke no rule when it was read back. Only such may be brought to a key; only `lintRow` makes one. */
export type LintedTbs = Uint8Array & { readonly [linted]: true };

/**
 * Reads the TBSCertificate that was built for a row and checks what the request may have changed; of a CA's own
 * certificate everything, since the profile was checked for one kind of CA and may be used for the other. `onFinding`
 * hears of each, warnings too. Throws `lint-failed` with the rules that were broken.
 */
export function lintRow(tbs: Uint8Array, checked: CheckedRow, onFinding: (finding: LintFinding) => void): LintedTbs {
  const lint = checked.row.purpose === 'ca-certificate' ? lintTbs : lintVariable;
  const findings = lint(tbs, contextOf(checked));
  findings.forEach(onFinding);
  const errors = errorsOf(findings);
  if (errors.length > 0) throw lintFailed(errors);
  return tbs as LintedTbs;
}

function contextOf({ row, ready, content }: CheckedRow): LintContext {
  const { document } = ready;
  const asked = content.validity;
  return {
    kind: kindOf(row),
    issuer: ready.lintPlan.issuer,
    subjectSpki: row.spki,
    validitySecondsMax: asked === undefined ? document.validity_seconds : validitySecondsMax(document),
    // When it was claimed, by the ledger's clock, which made notBefore: ours may be a little behind.
    signingTime: new Date(row.notBefore.getTime() + document.backdate_seconds * 1000),
    ...(asked === undefined ? {} : { aheadSecondsMax: document.requested_validity?.ahead_seconds ?? 0 }),
  };
}

function kindOf({ purpose, subjectCa, ca }: CheckedRow['row']): LintKind {
  if (purpose === 'ca-certificate') return subjectCa === ca ? 'root' : 'subordinate-ca';
  return purpose === 'ocsp-signer' ? 'ocsp-signer' : 'subscriber';
}
