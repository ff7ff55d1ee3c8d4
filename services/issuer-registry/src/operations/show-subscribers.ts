import { SluiceError } from '@sluice/errors';
import { isAwaited, isSettled } from '@sluice/issuance';
import type { ChangeView, SubscriberList } from '@sluice/registry-protocol';
import { subscriberView } from '../views/subscriber-view.js';
import type { AdminContext } from './admin-context.js';

/** Every subscriber and how it stands to the newest version. Each part is one read; together they are as of about `at`. */
export async function listSubscribers({ store, ledgerClock }: AdminContext): Promise<SubscriberList> {
  const epoch = await store.epoch();
  const [confirmed, rows] = await Promise.all([store.confirmedEpoch(), store.subscribers()]);
  const now = ledgerClock();
  return {
    at: now.toISOString(),
    epoch: String(epoch),
    confirmed_epoch: String(confirmed),
    subscribers: rows.map((row) => subscriberView(row, epoch, now)),
  };
}

/** A change, and who of those that are waited for has applied it. Throws `not-found` for an epoch that never was. */
export async function showChange({ store, ledgerClock }: AdminContext, epoch: bigint): Promise<ChangeView> {
  const change = await store.changeAt(epoch);
  if (change === undefined) {
    throw new SluiceError('not-found', `No change has epoch ${epoch}`, {
      facts: { what_to_do: 'The newest epoch is in sluice status.' },
    });
  }
  const rows = await store.subscribers();
  const now = ledgerClock();
  const subscribers = rows.filter(({ service }) => isAwaited(service)).map((row) => subscriberView(row, epoch, now));
  return {
    at: now.toISOString(),
    epoch: String(epoch),
    kind: change.kind,
    subject: change.subject,
    operator: change.operator,
    changed_at: change.changedAt.toISOString(),
    last_claim_at: change.lastClaimAt?.toISOString() ?? null,
    // Rows alone do not bind who enrols next: only what is confirmed does.
    settled: subscribers.every(({ standing }) => isSettled(standing)) && (await store.confirm()) >= epoch,
    subscribers,
  };
}
