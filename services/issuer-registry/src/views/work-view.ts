import type { QueueRow } from '@sluice/ledger';
import type { CaDetail, Status } from '@sluice/registry-protocol';
import { predictedWaitMs, rowKey } from '../queue/queue-rates.js';
import type { QueueNow } from '../queue/queue-watch.js';

const nothing = {
  queued: 0,
  signing: 0,
  held: 0,
  parked: 0,
  failed: 0,
  oldestAgeMs: 0,
  accepted: 0,
  topAccount: null,
  topOpen: 0,
};

const perSecond = (rate: number): number => Math.round(rate * 10) / 10;

/** Open and shelved work by class and CA, the longest wait first; also what came lately and is done already. */
export function workView({ rows, rates }: QueueNow): Status['work'] {
  const there = new Set(rows.map(rowKey));
  const gone = [...rates.values()].filter((row) => !there.has(rowKey(row)));
  return [...rows, ...gone.map((row): QueueRow => ({ ...nothing, ...row }))]
    .sort((a, b) => b.oldestAgeMs - a.oldestAgeMs)
    .map((row) => {
      const known = rates.get(rowKey(row));
      const rate = known ?? { arrivals: 0, drained: 0 };
      return {
        class: row.class,
        key_group: row.keyGroup,
        ca: row.ca,
        queued: row.queued,
        signing: row.signing,
        held: row.held,
        parked: row.parked,
        failed: row.failed,
        oldest_age_ms: Math.round(row.oldestAgeMs),
        arrivals_per_second: rates.size === 0 ? null : perSecond(rate.arrivals),
        drained_per_second: rates.size === 0 ? null : perSecond(rate.drained),
        predicted_wait_ms: predictedWaitMs(row, known),
        top_account: row.topAccount,
        top_open: row.topOpen,
      };
    });
}

/** What waits for one CA, all classes together. */
export function workOf(ca: string, rows: readonly QueueRow[]): CaDetail['work'] {
  const its = rows.filter((row) => row.ca === ca);
  const sum = (of: (row: QueueRow) => number): number => its.reduce((total, row) => total + of(row), 0);
  return {
    queued: sum(({ queued }) => queued),
    signing: sum(({ signing }) => signing),
    held: sum(({ held }) => held),
    parked: sum(({ parked }) => parked),
    failed: sum(({ failed }) => failed),
  };
}
