import type { Metrics } from '@sluice/telemetry';
import type { AppOptions } from './http/app.js';
import type { PartitionStanding } from './upkeep/keep-partitions.js';

export interface RegistryMetricsOptions {
  readonly metrics: Metrics;
  readonly partitions: () => PartitionStanding | undefined;
}

export interface RegistryMetrics {
  readonly observe: AppOptions['observe'];
  /** Idempotency keys that were deleted past their time. */
  readonly purged: (count: number) => void;
}

/** Figures of this process. */
export function createRegistryMetrics(options: RegistryMetricsOptions): RegistryMetrics {
  const { metrics, partitions } = options;
  const calls = metrics.counter('admin_calls_total', 'Calls of the registry by route and code', ['route', 'code']);
  const seconds = metrics.histogram('admin_call_seconds', 'Time of a call of the registry', ['route']);
  const purgedKeys = metrics.counter('idempotency_purged_total', 'Idempotency keys deleted past their time');

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
