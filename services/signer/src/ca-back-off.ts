import type { Code } from '@sluice/errors';
import type { Clock } from './clock.js';

const firstWaitMs = 500;
/** After a stall all is to be well again within half a minute, of which this is the longest that nobody looks. */
const longestWaitMs = 10_000;

/**
 * Which CAs this signer leaves alone for a while, and why. One CA's missing key or failing token costs that CA here and
 * nothing else: there is no back-off of the whole signer, and none of a lane.
 */
export interface CaBackOff {
  /** The code to release its work with, or `undefined` when the CA may be tried. */
  waiting(ca: string): Code | undefined;
  /** Those that are not to be tried now: claims pass their work over, so that it is not taken and given back. */
  waitingCas(): string[];
  /** True after a failure, until the next success: the first signature is then tried alone. */
  doubtful(ca: string): boolean;
  /** Doubles the longest wait (0.5 s to 10 s) and draws the next one from all of it: full jitter. */
  failed(ca: string, code: Code): void;
  /** A signature takes too long: the CA is left alone until one of its signatures comes, fails or is given up. */
  overdue(ca: string): void;
  succeeded(ca: string): void;
  /** Ends the waits that `token-failed` began. Those CAs are doubtful still: one row of each is tried first. */
  tokenIsBack(): void;
  /** The same for the wait of this CA that `key-missing` began: nothing says any more that its key is missing here. */
  keyMayBeBack(ca: string): void;
}

/** `onWait` hears of each wait as it begins. */
export function createCaBackOff(
  clock: Pick<Clock, 'monotonicMs' | 'random'>,
  onWait: (ca: string, code: Code, waitMs: number) => void,
): CaBackOff {
  const failures = new Map<string, { count: number; untilMs: number; code: Code }>();
  const unanswered = new Set<string>();
  const waiting = (ca: string): Code | undefined => {
    if (unanswered.has(ca)) return 'token-failed';
    const failure = failures.get(ca);
    return failure && clock.monotonicMs() < failure.untilMs ? failure.code : undefined;
  };
  const endWait = (ca: string, code: Code): void => {
    const failure = failures.get(ca);
    if (failure?.code === code) failures.set(ca, { ...failure, untilMs: clock.monotonicMs() });
  };
  return {
    waiting,
    waitingCas: () => [...new Set([...unanswered, ...failures.keys()])].filter((ca) => waiting(ca) !== undefined),
    doubtful: (ca) => failures.has(ca),
    failed(ca, code) {
      unanswered.delete(ca);
      const before = failures.get(ca);
      // The rows of one batch fail together: that is one failure, not sixty-four.
      if (before && clock.monotonicMs() < before.untilMs) return;
      const count = (before?.count ?? 0) + 1;
      const waitMsMax = Math.min(longestWaitMs, firstWaitMs * 2 ** (count - 1));
      const waitMs = clock.random() * waitMsMax;
      failures.set(ca, { count, untilMs: clock.monotonicMs() + waitMs, code });
      onWait(ca, code, waitMs);
    },
    overdue(ca) {
      unanswered.add(ca);
    },
    succeeded(ca) {
      unanswered.delete(ca);
      failures.delete(ca);
    },
    tokenIsBack() {
      unanswered.clear();
      for (const ca of failures.keys()) endWait(ca, 'token-failed');
    },
    keyMayBeBack: (ca) => endWait(ca, 'key-missing'),
  };
}
