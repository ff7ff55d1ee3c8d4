import { laneName } from '@sluice/issuance';
import type { QueueRow, QueueStore } from '@sluice/ledger';
import type { Log } from '@sluice/lifecycle';
import type { Metrics } from '@sluice/telemetry';
import type { QueueWatch } from './queue-watch.js';

export interface QueueMetricsOptions {
  readonly metrics: Metrics;
  readonly queue: Pick<QueueWatch, 'now'>;
  readonly store: Pick<QueueStore, 'vacuumWatch'>;
  readonly log: Log;
}

/**
 * What is open, what ages, and what hinders the ledger, read when asked for; without the ledger the figures are absent.
 * Each gauge fills itself: one filled by another would show what was read for the collection before. All registry
 * processes tell the same: rules take one of them (`max by`).
 */
export function createQueueMetrics({ metrics, queue, store, log }: QueueMetricsOptions): void {
  async function whenHad<T>(what: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (err) {
      log.warn({ event: 'metric-absent', what, err }, 'a figure could not be read from the ledger');
      return undefined;
    }
  }
  const rows = async (): Promise<readonly QueueRow[]> => (await whenHad('queue', queue.now))?.rows ?? [];

  metrics.gauge('lane_open', 'Open work by lane and state', ['lane', 'state'], async (gauge) => {
    const read = await rows();
    gauge.reset();
    for (const row of read) {
      gauge.inc({ lane: laneName(row), state: 'queued' }, row.queued);
      gauge.inc({ lane: laneName(row), state: 'signing' }, row.signing);
    }
  });
  metrics.gauge('lane_oldest_age_seconds', 'Age of the oldest claimable work', ['lane'], async (gauge) => {
    const read = await rows();
    const oldest = new Map<string, number>();
    for (const row of read) oldest.set(laneName(row), Math.max(oldest.get(laneName(row)) ?? 0, row.oldestAgeMs));
    gauge.reset();
    for (const [lane, ageMs] of oldest) gauge.set({ lane }, ageMs / 1000);
  });
  const ofCa = ['class', 'ca'] as const;
  const claimableAge = 'Age of the oldest work that a signer may claim: neither held nor shelved';
  metrics.gauge('claimable_age_seconds', claimableAge, ofCa, async (gauge) => {
    const read = await rows();
    gauge.reset();
    for (const row of read) gauge.set({ class: row.class, ca: row.ca }, row.oldestAgeMs / 1000);
  });
  const work = 'Work by class, CA and state; what is held is queued, too';
  metrics.gauge('work', work, [...ofCa, 'state'], async (gauge) => {
    const read = await rows();
    gauge.reset();
    for (const row of read) {
      for (const state of ['queued', 'signing', 'held', 'parked', 'failed'] as const) {
        gauge.set({ class: row.class, ca: row.ca, state }, row[state]);
      }
    }
  });

  /** Both figures of a collection are of one reading. */
  let watching: ReturnType<QueueStore['vacuumWatch']> | undefined;
  const vacuumWatch = () => {
    watching ??= store.vacuumWatch().finally(() => {
      watching = undefined;
    });
    return watching;
  };
  metrics.gauge('work_dead_rows', 'Rows that left the work table and are still in it', [], async (gauge) => {
    const read = await whenHad('vacuum', vacuumWatch);
    if (read === undefined) gauge.remove();
    else gauge.set(read.deadRows);
  });
  const oldest = 'Age of the oldest transaction that keeps dead rows; 0: there is none';
  metrics.gauge('oldest_transaction_seconds', oldest, [], async (gauge) => {
    const read = await whenHad('vacuum', vacuumWatch);
    if (read === undefined) gauge.remove();
    else gauge.set(read.oldestTransactionMs / 1000);
  });
}
