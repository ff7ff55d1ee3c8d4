import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Milliseconds. */
export interface Latency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** Points of the whole distribution, for a chart. */
  readonly curve: readonly { percentile: number; ms: number }[];
}

const microsMax = 120_000_000;
/** Towards 100 % in ever smaller steps: each point of the curve leaves out a third of what the one before left out. */
const percentiles = Array.from({ length: 20 }, (_, index) => 100 - 100 / 1.5 ** (index + 1));

/** An HDR histogram (Node's own): microseconds from 1 to 120 s, three figures, a few kilobytes however many it holds. */
export function createLatency(): { add(ms: number): void; read(): Latency } {
  const histogram: RecordableHistogram = createHistogram({ lowest: 1, highest: microsMax, figures: 3 });
  const at = (percentile: number): number =>
    histogram.count === 0 ? Number.NaN : histogram.percentile(percentile) / 1000;
  return {
    add(ms) {
      histogram.record(Math.min(microsMax, Math.max(1, Math.round(ms * 1000))));
    },
    read: () => ({
      count: histogram.count,
      p50Ms: at(50),
      p90Ms: at(90),
      p99Ms: at(99),
      p999Ms: at(99.9),
      maxMs: histogram.count === 0 ? Number.NaN : histogram.max / 1000,
      curve: percentiles.map((percentile) => ({ percentile, ms: at(percentile) })),
    }),
  };
}
