import { asSluiceError } from '@sluice/errors';
import type { AuditFinding } from '@sluice/ledger';
import type { SignerContext } from './signer-context.js';

/** One range takes less than half a second, even on a busy machine: short enough for its snapshot to hold nothing up. */
const requestsPerRange = 5000;
/** Of what came lately, 2000 a second are kept up with; an audit that lags shows in `audit_behind_seconds`. */
const rangesMax = 24;

type AuditContext = Pick<SignerContext, 'ledger' | 'caller' | 'metrics' | 'log' | 'clock'>;

/**
 * Once a minute: the invariants over what came since, then over one more range of the past, by whichever signer gets
 * the ledger's lock. A violation is counted and logged with the rows. Throws nothing: without the ledger the next
 * minute goes on where this one left off.
 */
export async function auditOnce(context: AuditContext, signal: AbortSignal): Promise<void> {
  const { ledger, caller, metrics, log, clock } = context;
  const beganAtMs = clock.monotonicMs();
  try {
    report(context, await ledger.auditWhole());
    for (let range = 0; range < rangesMax && !signal.aborted; range += 1) {
      const { audited, behindMs, findings } = await ledger.audit(caller(), requestsPerRange);
      if (!audited) break;
      metrics.auditBehindSeconds.set(behindMs / 1000);
      report(context, findings);
      if (behindMs === 0) break;
    }
    metrics.audits.inc({ result: 'done' });
  } catch (thrown) {
    const err = asSluiceError(thrown);
    metrics.audits.inc({ result: 'failed' });
    log.warn({ event: 'audit-failed', code: err.code, err }, 'the ledger was not audited; the next minute goes on');
  }
  metrics.auditSeconds.observe((clock.monotonicMs() - beganAtMs) / 1000);
}

function report({ metrics, log }: AuditContext, findings: readonly AuditFinding[]): void {
  for (const { invariant, checked, found, rows } of findings) {
    metrics.auditChecked.inc({ invariant }, checked);
    metrics.auditViolations.inc({ invariant }, found);
    if (found > 0)
      log.error({ event: 'audit-violation', invariant, found, rows }, 'an invariant of the ledger is broken');
  }
}
