import type { Code } from '@sluice/errors';
import type { Clock } from './clock.js';

const firstWaitMs = 500;
const longestWaitMs = 30_000;

/**
 * Which CAs this signer leaves alone for a while, and why. One CA's missing key or failing token costs that CA here and
 * nothing else: there is no back-off of the whole signer, and none of a lane.
 */
export interface CaBackOff {
  /** The code to release its work with, or `undefined` when the CA may be tried. */
  waiting(ca: string): Code | undefined;
  /** True after a failure, until the next success: the first signature is then tried alone. */
  doubtful(ca: string): boolean;
  /** Doubles the longest wait (0.5 s to 30 s) and draws the next one from all of it: full jitter. */
  failed(ca: string, code: Code): void;
  succeeded(ca: string): void;
  /** Ends the waits that `token-failed` began. Those CAs are doubtful still: one row of each is tried first. */
  tokenIsBack(): void;
}

export function createCaBackOff(clock: Pick<Clock, 'monotonicMs' | 'random'>): CaBackOff {
  const failures = new Map<string, { count: number; untilMs: number; code: Code }>();
  return {
    waiting(ca) {
      const failure = failures.get(ca);
      return failure && clock.monotonicMs() < failure.untilMs ? failure.code : undefined;
    },
    doubtful: (ca) => failures.has(ca),
    failed(ca, code) {
      const before = failures.get(ca);
      // The rows of one batch fail together: that is one failure, not sixty-four.
      if (before && clock.monotonicMs() < before.untilMs) return;
      const count = (before?.count ?? 0) + 1;
      const waitMsMax = Math.min(longestWaitMs, firstWaitMs * 2 ** (count - 1));
      failures.set(ca, { count, untilMs: clock.monotonicMs() + clock.random() * waitMsMax, code });
    },
    succeeded(ca) {
      failures.delete(ca);
    },
    tokenIsBack() {
      for (const [ca, failure] of failures) {
        if (failure.code === 'token-failed') failures.set(ca, { ...failure, untilMs: clock.monotonicMs() });
      }
    },
  };
}
