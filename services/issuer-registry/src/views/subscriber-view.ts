import { type Hearing, isAwaited, isSilent, standingFor } from '@sluice/issuance';
import type { SubscriberRow } from '@sluice/ledger';
import { reportText, type SubscriberView } from '@sluice/registry-protocol';

/** The registry's own processes read the ledger: what they say with their lease is all there is to hear of them. */
const heardAt = (row: SubscriberRow): Date | null => (isAwaited(row.service) ? row.heardAt : row.renewedAt);

/** What its standing goes by. One that has said nothing yet counts as heard when it enrolled. */
export function hearingOf(row: SubscriberRow): Hearing {
  const { service, fenced, acknowledgedEpoch, refusedEpoch, enrolledAt } = row;
  return { service, fenced, acknowledgedEpoch, refusedEpoch: refusedEpoch ?? 0n, heardAt: heardAt(row) ?? enrolledAt };
}

/** A subscriber as operators see it, with its standing for that epoch. `now`: by the ledger's clock, like its times. */
export function subscriberView(row: SubscriberRow, epoch: bigint, now: Date): SubscriberView {
  const { name, service, refusedEpoch, refusedCode, refusedReason } = row;
  return {
    name,
    service,
    incarnation: String(row.incarnation),
    standing: standingFor(epoch, hearingOf(row), now),
    silent: isSilent(hearingOf(row), now),
    acknowledged_epoch: String(isAwaited(service) ? row.acknowledgedEpoch : row.appliedEpoch),
    acknowledged_at: row.acknowledgedAt?.toISOString() ?? null,
    applied_epoch: String(row.appliedEpoch),
    heard_at: heardAt(row)?.toISOString() ?? null,
    renewed_at: row.renewedAt.toISOString(),
    lease_until: row.leaseUntil.toISOString(),
    // What a process says of itself ends on a terminal.
    refusal:
      refusedEpoch === null
        ? null
        : { epoch: String(refusedEpoch), code: reportText(refusedCode ?? ''), reason: reportText(refusedReason ?? '') },
  };
}
