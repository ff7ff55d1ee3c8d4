import type { QueueReading, QueueStore } from '@sluice/ledger';
import { every, type Log, type Part } from '@sluice/lifecycle';
import { type Rates, ratesOf } from './queue-rates.js';

/** The queue as of its last reading, and how fast it moved over the last half minute. */
export interface QueueNow extends QueueReading {
  /** By `rowKey`; empty until there are two readings. */
  readonly rates: ReadonlyMap<string, Rates>;
}

export interface QueueWatch {
  /** Reads again and again, so that there are rates. */
  readonly sampler: Part;
  /** A reading that is as young as its cost allows. Throws what the ledger throws. */
  readonly now: () => Promise<QueueNow>;
}

export interface QueueWatchOptions {
  readonly store: Pick<QueueStore, 'queue'>;
  readonly monotonicMs: () => number;
  readonly log: Log;
}

const intervalMs = 5000;
const windowMs = 30_000;
/** A gap that is longer would make one reading count too many arrivals. */
const gapMaxMs = 60_000;
const keepMinMs = 1000;
/** Reading takes a twentieth of one processor at most, however much is open or dead. */
const keepPerTaken = 20;

/** What is open is counted by a walk over all of it: so by this alone, once for all who ask at the same time. */
export function createQueueWatch({ store, monotonicMs, log }: QueueWatchOptions): QueueWatch {
  let readings: readonly QueueReading[] = [];
  let keepUntilMs = Number.NEGATIVE_INFINITY;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<QueueNow> | undefined;
  let latest: QueueNow | undefined;

  async function read(): Promise<QueueNow> {
    const startedAtMs = monotonicMs();
    if (startedAtMs - readAtMs > gapMaxMs) readings = [];
    const next = await store.queue(readings.at(-1)?.at);
    readAtMs = monotonicMs();
    keepUntilMs = readAtMs + Math.max(keepMinMs, keepPerTaken * (readAtMs - startedAtMs));
    const from = next.at.getTime() - windowMs;
    readings = [...readings.filter(({ at }) => at.getTime() >= from), next];
    latest = { ...next, rates: ratesOf(readings) };
    return latest;
  }

  async function now(): Promise<QueueNow> {
    if (latest !== undefined && monotonicMs() < keepUntilMs) return latest;
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  return {
    now,
    sampler: every(
      'queue-watch',
      intervalMs,
      async () => {
        await now();
      },
      log,
    ),
  };
}
