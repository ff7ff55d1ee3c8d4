import { setTimeout as wait } from 'node:timers/promises';
import type { Answer } from '@sluice/testkit';

/** A call of an open loop. Epoch milliseconds. */
export interface Arrival {
  readonly dueAt: number;
  /** Undefined until it is there. */
  answer: Answer | undefined;
}

export interface Arrivals {
  /** In the order in which they were due. */
  readonly all: readonly Arrival[];
  /** No more of them; resolves when each has its answer. */
  stop(): Promise<void>;
}

/** Late timers are made up for: the rate is kept, not the moment. */
const tickMs = 5;
/** Between two ticks, so that a generator that is late still hears answers. */
const sentAtOnceMax = 64;

/**
 * Open loop: call i is due at i / rate, whatever became of the others, as from clients that do not know of each other.
 * What is measured counts from when a call was due, so that a stall is felt by all who come meanwhile.
 */
export function startArrivals(perSecond: number, ask: () => Promise<Answer>): Arrivals {
  const all: Arrival[] = [];
  const asked: Promise<void>[] = [];
  const beganAt = Date.now();
  let stopped = false;

  async function one(dueAt: number): Promise<void> {
    const arrival: Arrival = { dueAt, answer: undefined };
    all.push(arrival);
    arrival.answer = await ask();
  }
  async function run(): Promise<void> {
    while (!stopped) {
      for (let sent = 0; sent < sentAtOnceMax; sent += 1) {
        const dueAt = beganAt + (all.length * 1000) / perSecond;
        if (dueAt > Date.now()) break;
        asked.push(one(dueAt));
      }
      await wait(tickMs);
    }
  }
  const running = run();
  return {
    all,
    async stop() {
      stopped = true;
      await running;
      await Promise.all(asked);
    },
  };
}

/** Open loop for so long. */
export async function arrivalsFor(seconds: number, perSecond: number, ask: () => Promise<Answer>): Promise<Arrival[]> {
  const arrivals = startArrivals(perSecond, ask);
  await wait(seconds * 1000);
  await arrivals.stop();
  return [...arrivals.all];
}

/** From when it was due to its answer. */
export const tookMs = ({ dueAt, answer }: Arrival): number => (answer?.endedAt ?? Number.POSITIVE_INFINITY) - dueAt;

export const isIssued = ({ answer }: Pick<Arrival, 'answer'>): boolean => answer?.status === 201;

/** Of the calls due from then until then, epoch milliseconds, those with a certificate. NaN of none. */
export function servedShare(arrivals: readonly Arrival[], from: number, to: number): number {
  const due = arrivals.filter(({ dueAt }) => dueAt >= from && dueAt < to);
  return due.filter(isIssued).length / due.length;
}

/** How many were told what: "201", "503 overloaded", the name of a lost connection's error. */
export function tally(arrivals: readonly Pick<Arrival, 'answer'>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { answer } of arrivals) {
    const said = `${answer?.status ?? answer?.error} ${answer?.code ?? ''}`.trim();
    counts[said] = (counts[said] ?? 0) + 1;
  }
  return counts;
}

/** NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}
