import { type AuditFinding, auditInvariants, firstRequestId } from '@sluice/ledger';
import type { AuditFindingView, AuditRange, AuditStart } from '@sluice/registry-protocol';
import type { AdminContext } from './admin-context.js';

/** One call must be over long before the command line gives up on it (10 s) and the ledger on its statement (7.5 s). */
const requestsPerRange = 5000;
const recentMs = 600_000;
/** A front end's clock may run ahead, and its ids with it. */
const aheadMs = 86_400_000;

const view = (findings: readonly AuditFinding[]): AuditFindingView[] =>
  findings.map(({ invariant, checked, found, rows }) => ({
    invariant,
    says: auditInvariants[invariant],
    checked,
    found,
    rows: [...rows],
  }));

/** What `sluice audit live` begins with: the open claims, and how much else there is. */
export async function auditStart({ name, store, clock }: AdminContext): Promise<AuditStart> {
  const [scope, whole] = await Promise.all([store.auditScope(), store.auditWhole()]);
  return {
    registry: name,
    at: clock().toISOString(),
    recent_from: firstRequestId(clock().getTime() - recentMs),
    oldest_request: scope.oldest ?? null,
    requests_estimated: scope.requestsEstimated,
    findings: view(whole),
  };
}

/** The next range of requests from that id on, up to whatever has come so far. */
export async function auditRange({ store, clock }: AdminContext, from: string): Promise<AuditRange> {
  const until = firstRequestId(clock().getTime() + aheadMs);
  const { findings, next } = await store.auditRange({ from, until, requestsMax: requestsPerRange });
  return { next: next ?? null, findings: view(findings) };
}
