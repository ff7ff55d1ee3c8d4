import { laneName } from '@sluice/issuance';
import type { RegistryStore } from '@sluice/ledger';
import type { Log } from '@sluice/lifecycle';
import type { Metrics } from '@sluice/telemetry';
import type { AppOptions } from './http/app.js';
import type { PartitionStanding } from './upkeep/keep-partitions.js';

export interface RegistryMetricsOptions {
  readonly metrics: Metrics;
  readonly store: Pick<RegistryStore, 'laneLoads'>;
  readonly partitions: () => PartitionStanding | undefined;
  readonly log: Log;
}

export interface RegistryMetrics {
  readonly observe: AppOptions['observe'];
  /** Idempotency keys that were deleted past their time. */
  readonly purged: (count: number) => void;
}

/** Figures of this process and of the lanes. Those from the ledger are read when asked for; without it they are absent. */
export function createRegistryMetrics(options: RegistryMetricsOptions): RegistryMetrics {
  const { metrics, store, partitions, log } = options;
  const calls = metrics.counter('admin_calls_total', 'Calls of the registry by route and code', ['route', 'code']);
  const seconds = metrics.histogram('admin_call_seconds', 'Time of a call of the registry', ['route']);
  const purgedKeys = metrics.counter('idempotency_purged_total', 'Idempotency keys deleted past their time');

  /** One figure that cannot be had must not cost all the others. */
  const whenHad = async (what: string, read: () => Promise<void>): Promise<void> => {
    try {
      await read();
    } catch (err) {
      log.warn({ event: 'metric-absent', what, err }, 'a figure could not be read from the ledger');
    }
  };
  const oldest = metrics.gauge('lane_oldest_age_seconds', 'Age of the oldest claimable work', ['lane']);
  metrics.gauge('lane_open', 'Open work by lane and state', ['lane', 'state'], (gauge) =>
    whenHad('lanes', async () => {
      const loads = await store.laneLoads();
      gauge.reset();
      oldest.reset();
      for (const load of loads) {
        const lane = laneName(load);
        gauge.set({ lane, state: 'queued' }, load.queued);
        gauge.set({ lane, state: 'signing' }, load.signing);
        oldest.set({ lane }, load.oldestAgeMs / 1000);
      }
    }),
  );
  metrics.gauge('partition_days_ahead', 'Days for which partitions exist', [], (gauge) => {
    const standing = partitions();
    if (standing !== undefined) gauge.set(standing.daysAhead);
  });
  metrics.gauge('partition_default_rows', 'Rows found in a default partition', [], (gauge) => {
    const standing = partitions();
    if (standing !== undefined) gauge.set(standing.rowsInDefault);
  });

  return {
    purged: (count) => purgedKeys.inc(count),
    observe({ route, code, seconds: taken }) {
      calls.inc({ route, code });
      seconds.observe({ route }, taken);
    },
  };
}
