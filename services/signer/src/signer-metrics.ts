import { type AuditInvariant, auditInvariants } from '@sluice/ledger';
import type { Metrics } from '@sluice/telemetry';

/** What this service counts. Labels are states, codes, CAs and lanes: bounded by the registry, never by clients. */
export function createSignerMetrics(metrics: Metrics) {
  const sizes = [0, 1, 2, 4, 8, 16, 32, 64];
  const auditViolations = metrics.counter(
    'audit_violations_total',
    'Rows for which an invariant of the ledger did not hold when it was audited. Anything above 0 is an alarm.',
    ['invariant'],
  );
  // There from the start, so that a first violation is an increase.
  for (const invariant of Object.keys(auditInvariants) as AuditInvariant[]) auditViolations.inc({ invariant }, 0);
  return {
    claims: metrics.counter('claims_total', 'Claims by lane and way (ids, fresh, policy, poll).', ['lane', 'way']),
    hindered: metrics.counter('claims_hindered_total', 'Looks at a lane that were not followed by a claim, and why.', [
      'lane',
      'code',
    ]),
    claimRows: metrics.histogram('claim_rows', 'Rows that one claim gave.', ['lane'], sizes),
    completeRows: metrics.histogram('complete_rows', 'Certificates that shared one complete.', ['ca'], sizes),
    stepSeconds: metrics.histogram(
      'step_seconds',
      'Latency of each step: claim, build, lint, sign, verify, complete.',
      ['step', 'ca'],
      [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    ),
    signatures: metrics.counter('signatures_total', 'Signatures asked of the key, by CA and result.', ['ca', 'result']),
    backOffSeconds: metrics.counter(
      'back_off_seconds_total',
      'Waits that this signer took upon itself: how long it meant to leave a CA alone, and why. Nothing else waits.',
      ['ca', 'code'],
    ),
    keysMissing: metrics.counter(
      'key_missing_total',
      'How often a key was missing on a token that answers. Anything above 0 is an alarm.',
      ['ca', 'token'],
    ),
    lintFindings: metrics.counter('lint_findings_total', 'Rules that a certificate broke before its signature.', [
      'rule',
      'severity',
    ]),
    dispositions: metrics.counter('dispositions_total', 'What failures meant.', ['disposition', 'code']),
    ended: metrics.counter('ended_total', 'Requests that this signer ended or set aside.', ['state', 'code']),
    unanswered: metrics.counter('ledger_unanswered_total', 'Calls repeated without an answer.', ['verb', 'code']),
    left: metrics.counter('left_to_sweep_total', 'Rows whose verb the ledger never answered.', ['verb']),
    leaseRemainingSeconds: metrics.histogram('lease_remaining_seconds', 'Lease left when the key was asked.', []),
    sweeps: metrics.counter('sweeps_total', 'Sweeps by result (swept, busy, failed).', ['result']),
    requeued: metrics.counter('requeued_total', 'Rows queued again after a lost lease.'),
    auditViolations,
    auditChecked: metrics.counter('audit_checked_total', 'Rows that the audit looked at.', ['invariant']),
    audits: metrics.counter('audits_total', 'Audits by result (done, failed).', ['result']),
    auditSeconds: metrics.histogram('audit_seconds', 'How long an audit took.'),
    auditBehindSeconds: metrics.gauge('audit_behind_seconds', 'By how much the audit of what came lately lags.'),
    turnsRepaired: metrics.counter('turns_repaired_total', 'Turns added for work that had none.', ['lane']),
    queueErrors: metrics.counter('queue_errors_total', 'Redis did not answer; polling makes up for it.', ['what']),
    templates: metrics.gauge('templates', 'Compiled templates by standing (ready, pending, refused).', ['standing']),
    appliedEpoch: metrics.gauge('applied_epoch', 'Epoch of the snapshot that this signer works by.'),
    capacity: metrics.gauge(
      'capacity_per_second',
      'Certificates a second that this signer can make, as it measures it.',
    ),
    batchRows: metrics.gauge('batch_rows', 'Rows that one claim asks for at the moment.', ['lane']),
  };
}
export type SignerMetrics = ReturnType<typeof createSignerMetrics>;
