import type { NewestEnds, RegistryState, SubscriberRow } from '@sluice/ledger';
import { type Status, subscriberReportSchema } from '@sluice/registry-protocol';
import { certificateView } from '../views/certificate-view.js';
import { proposalView } from '../views/proposal-view.js';
import { subscriberView } from '../views/subscriber-view.js';
import { workView } from '../views/work-view.js';
import { activeGuards } from './active-guards.js';
import type { AdminContext } from './admin-context.js';
import { nextSteps } from './next-steps.js';
import { whatFloods } from './what-floods.js';

/** What `sluice status` shows. Each part is one consistent read; together they are as of about `at`. */
export async function readStatus({ name, store, queue, ledgerClock }: AdminContext): Promise<Status> {
  const [state, work, rows, ends, proposals, holds, vacuum] = await Promise.all([
    store.state(),
    queue.now(),
    store.subscribers(),
    store.newestEnds(),
    store.proposals(),
    store.holds(),
    store.vacuumWatch(),
  ]);
  const now = ledgerClock();
  const cas = state.cas.map(caView);
  const subscribers = rows.map((row) => subscriberStatus(row, state.epoch, now));
  const status: Omit<Status, 'next_steps'> = {
    registry: name,
    at: now.toISOString(),
    epoch: String(state.epoch),
    cas,
    work: workView(work),
    floods: whatFloods({ at: now, ends, subscribers }),
    guards: activeGuards({ cas, subscribers, holds }),
    vacuum: {
      dead_rows: vacuum.deadRows,
      oldest_transaction_ms: vacuum.oldestTransactionMs,
      held_by: vacuum.heldBy,
    },
    subscribers,
    ends_since: ends.since.toISOString(),
    recent_ends: endsByCode(ends),
    proposals: proposals.map(proposalView),
  };
  return { ...status, next_steps: nextSteps(status) };
}

function caView(ca: RegistryState['cas'][number]): Status['cas'][number] {
  return {
    name: ca.name,
    state: ca.state,
    quarantined: ca.quarantined,
    quarantined_tokens: [...ca.quarantinedTokens],
    key_group: ca.keyGroup,
    key_algorithm: ca.keyAlgorithm,
    issuer: ca.issuer,
    not_after: certificateView(ca.certificate).not_after,
  };
}

function subscriberStatus(row: SubscriberRow, epoch: bigint, now: Date): Status['subscribers'][number] {
  return {
    ...subscriberView(row, epoch, now),
    // Whoever may renew a lease may write into it what they like.
    report: subscriberReportSchema.safeParse(row.reported).data ?? null,
  };
}

function endsByCode({ groups }: NewestEnds): Status['recent_ends'] {
  const sums = new Map<string, Status['recent_ends'][number]>();
  for (const { state, code, count } of groups) {
    const key = `${state} ${code}`;
    sums.set(key, { state, code, count: count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()].sort((a, b) => b.count - a.count);
}
