import type { Clock } from '@sluice/signer';
import { planted } from './planted.js';

/** A monotonic clock that does not count the time a process stood still: its lease seems to go on. */
export function sleepUncounted(clock: Clock, bugFile: string | undefined): Clock {
  let lastMs = clock.monotonicMs();
  return {
    ...clock,
    monotonicMs() {
      if (!planted(bugFile, 'sleep-uncounted')) lastMs = clock.monotonicMs();
      return lastMs;
    },
  };
}
