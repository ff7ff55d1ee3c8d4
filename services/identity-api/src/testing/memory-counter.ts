import type { WindowCounter } from '@sluice/queue';
import type { Clock } from '../clock.js';

/** Counts as the real one does, by a clock that a test has in its hand. */
export function createMemoryCounter(clock: Pick<Clock, 'monotonicMs'>): Pick<WindowCounter, 'add' | 'giveBack'> {
  const windows = new Map<string, { count: number; endsAtMs: number }>();

  function change(key: string, by: number, windowS: number): { count: number; endsInMs: number } {
    const nowMs = clock.monotonicMs();
    const known = windows.get(key);
    const window =
      known !== undefined && known.endsAtMs > nowMs ? known : { count: 0, endsAtMs: nowMs + windowS * 1000 };
    window.count += by;
    windows.set(key, window);
    return { count: window.count, endsInMs: window.endsAtMs - nowMs };
  }

  return {
    add: async (key, windowS) => change(key, 1, windowS),
    giveBack: (key, windowS) => void change(key, -1, windowS),
  };
}
