import { laneName } from '@sluice/issuance';
import type { SubscriberRow } from '@sluice/ledger';
import { type Status, subscriberReportSchema } from '@sluice/registry-protocol';
import { certificateView } from '../views/certificate-view.js';
import type { AdminContext } from './admin-context.js';
import { nextSteps } from './next-steps.js';

function standingOf(row: SubscriberRow, epoch: bigint, now: Date): Status['subscribers'][number]['standing'] {
  if (row.fenced) return 'fenced';
  if (row.leaseUntil <= now) return 'silent';
  return row.appliedEpoch >= epoch ? 'applied' : 'pending';
}

/** What `sluice status` shows. Each part is one consistent read; together they are as of about `at`. */
export async function readStatus({ name, store, clock }: AdminContext): Promise<Status> {
  const [state, loads, subscribers, ends] = await Promise.all([
    store.state(),
    store.laneLoads(),
    store.subscribers(),
    store.recentEnds(),
  ]);
  const now = clock();
  const status: Omit<Status, 'next_steps'> = {
    registry: name,
    at: now.toISOString(),
    epoch: String(state.epoch),
    cas: state.cas.map((ca) => ({
      name: ca.name,
      state: ca.state,
      quarantined: ca.quarantined,
      key_group: ca.keyGroup,
      key_algorithm: ca.keyAlgorithm,
      issuer: ca.issuer,
      not_after: certificateView(ca.certificate).not_after,
    })),
    lanes: loads.map((load) => ({
      lane: laneName(load),
      queued: load.queued,
      signing: load.signing,
      oldest_age_ms: load.oldestAgeMs,
    })),
    subscribers: subscribers.map((row) => ({
      name: row.name,
      service: row.service,
      incarnation: String(row.incarnation),
      standing: standingOf(row, state.epoch, now),
      applied_epoch: String(row.appliedEpoch),
      lease_until: row.leaseUntil.toISOString(),
      renewed_at: row.renewedAt.toISOString(),
      // Whoever may renew a lease may write into it what they like.
      report: subscriberReportSchema.safeParse(row.reported).data ?? null,
    })),
    recent_ends: ends.map(({ state: end, code, count }) => ({ state: end, code, count })),
  };
  return { ...status, next_steps: nextSteps(status) };
}
