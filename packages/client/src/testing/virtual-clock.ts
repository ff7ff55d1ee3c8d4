import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../clock.js';

export interface VirtualClock extends Clock {
  /** Lets time pass, from one timer to the next, until it settles; as a settled result, so that no rejection is lost. */
  run<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>>;
}

/** Time that passes only while everybody waits. */
export function createVirtualClock(): VirtualClock {
  let nowMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  return {
    epochMs: () => nowMs,
    monotonicMs: () => nowMs,
    after(delayMs, callback) {
      const timer = { atMs: nowMs + Math.max(0, delayMs), callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async run(promise) {
      let settled = false;
      const all = Promise.allSettled([promise]).finally(() => {
        settled = true;
      });
      for (;;) {
        // Bodies are read over some turns of the event loop.
        for (let turns = 0; turns < 4 && !settled; turns += 1) await turn();
        if (settled) break;
        const [next] = [...timers].sort((left, right) => left.atMs - right.atMs);
        if (next === undefined) continue;
        timers.delete(next);
        nowMs = Math.max(nowMs, next.atMs);
        next.callback();
      }
      const [result] = await all;
      return result;
    },
  };
}
