import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Makes metrics of this process, all named `sluice_…`. Labels are low in cardinality: never an id, never a client's text. */
export interface Metrics {
  readonly registry: Registry;
  /** `name` without the prefix, ending in `_total`. */
  counter<L extends string = never>(name: string, help: string, labelNames?: readonly L[]): Counter<L>;
  /** `collect` sets the value when it is asked for. */
  gauge<L extends string = never>(
    name: string,
    help: string,
    labelNames?: readonly L[],
    collect?: (gauge: Gauge<L>) => void | Promise<void>,
  ): Gauge<L>;
  /** Seconds by default, from 1 ms to 30 s; pass `buckets` for anything else. */
  histogram<L extends string = never>(
    name: string,
    help: string,
    labelNames?: readonly L[],
    buckets?: readonly number[],
  ): Histogram<L>;
}

const prefix = 'sluice_';
const secondsBuckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];

/** A registry of its own, so that several services can live in one test process; Node's own metrics included. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry, prefix });
  const registers = [registry];
  return {
    registry,
    counter: (name, help, labelNames = []) =>
      new Counter({ name: prefix + name, help, labelNames: [...labelNames], registers }),
    gauge<L extends string>(
      name: string,
      help: string,
      labelNames: readonly L[] = [],
      collect?: (gauge: Gauge<L>) => void | Promise<void>,
    ) {
      const gauge: Gauge<L> = new Gauge<L>({
        name: prefix + name,
        help,
        labelNames: [...labelNames],
        registers,
        ...(collect ? { collect: () => collect(gauge) } : {}),
      });
      return gauge;
    },
    histogram: (name, help, labelNames = [], buckets = secondsBuckets) =>
      new Histogram({ name: prefix + name, help, labelNames: [...labelNames], buckets: [...buckets], registers }),
  };
}
