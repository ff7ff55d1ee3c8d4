import { laneName } from '@sluice/issuance';
import { type Status, subscriberReportSchema } from '@sluice/registry-protocol';
import { certificateView } from '../views/certificate-view.js';
import { proposalView } from '../views/proposal-view.js';
import { subscriberView } from '../views/subscriber-view.js';
import type { AdminContext } from './admin-context.js';
import { nextSteps } from './next-steps.js';

/** What `sluice status` shows. Each part is one consistent read; together they are as of about `at`. */
export async function readStatus({ name, store, ledgerClock }: AdminContext): Promise<Status> {
  const [state, loads, subscribers, ends, proposals] = await Promise.all([
    store.state(),
    store.laneLoads(),
    store.subscribers(),
    store.recentEnds(),
    store.proposals(),
  ]);
  const now = ledgerClock();
  const status: Omit<Status, 'next_steps'> = {
    registry: name,
    at: now.toISOString(),
    epoch: String(state.epoch),
    cas: state.cas.map((ca) => ({
      name: ca.name,
      state: ca.state,
      quarantined: ca.quarantined,
      quarantined_tokens: [...ca.quarantinedTokens],
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
      ...subscriberView(row, state.epoch, now),
      renewed_at: row.renewedAt.toISOString(),
      // Whoever may renew a lease may write into it what they like.
      report: subscriberReportSchema.safeParse(row.reported).data ?? null,
    })),
    recent_ends: ends.map(({ state: end, code, count }) => ({ state: end, code, count })),
    proposals: proposals.map(proposalView),
  };
  return { ...status, next_steps: nextSteps(status) };
}
