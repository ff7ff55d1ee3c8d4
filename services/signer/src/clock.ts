import { setTimeout as sleep } from 'node:timers/promises';

/** Time and chance, as arguments: tests bring their own. */
export interface Clock {
  /** Wall clock: only for what is written down (serial prefixes), never to measure with. */
  now(): Date;
  /** Milliseconds that only grow, whatever happens to the wall clock. Leases and latencies are measured with it. */
  monotonicMs(): number;
  /** Resolves after `waitMs`. */
  pause(waitMs: number): Promise<void>;
  /** From 0 to below 1: the jitter of back-offs. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  pause: (waitMs) => sleep(waitMs),
  random: Math.random,
};
