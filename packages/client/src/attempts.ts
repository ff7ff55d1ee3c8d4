import type { GaveUp } from './call-error.js';
import { type Clock, pause } from './clock.js';
import { mayPass, type Refused, type Reply, type Unanswered } from './reply.js';
import type { RetryBudget } from './retry-budget.js';
import { retryDelayMs } from './retry-delay.js';

const attemptsMax = 3;

export interface Trying {
  readonly clock: Clock;
  readonly random: () => number;
  readonly budget: RetryBudget;
}

export interface Until {
  /** On the monotonic clock: by then there is an end, this way or that. */
  readonly deadlineMs: number;
  /** An attempt with less time than this makes no sense. */
  readonly attemptLeastMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface Tried<T> {
  readonly attempts: number;
  /** The last one. */
  readonly reply: Reply<T>;
  /** Absent when it is done. */
  readonly gaveUp?: GaveUp;
}

/**
 * The only place that tries again: at most three attempts, none after an answer that would stay the same, none sooner
 * than Retry-After, none that could not end before the deadline, and none that the budget has nothing left for.
 * `final`: answers that stay the same, beside those of `mayPass`. Rejects only with the signal's reason.
 */
export async function tryUntil<T>(
  { clock, random, budget }: Trying,
  { deadlineMs, attemptLeastMs, signal }: Until,
  attempt: () => Promise<Reply<T>>,
  final: (refused: Refused) => boolean = () => false,
): Promise<Tried<T>> {
  for (let attempts = 1; ; attempts += 1) {
    const reply = await attempt();
    if (reply.kind === 'done') {
      budget.served();
      return { attempts, reply };
    }
    if (reply.kind === 'refused' && (!mayPass(reply) || final(reply))) {
      budget.served();
      return { attempts, reply, gaveUp: 'permanent' };
    }
    if (attempts === attemptsMax) return { attempts, reply, gaveUp: 'attempts' };
    const delayMs = retryDelayMs(attempts, retryAfterOf(reply), random);
    if (clock.monotonicMs() + delayMs + attemptLeastMs > deadlineMs) return { attempts, reply, gaveUp: 'deadline' };
    if (!budget.take()) return { attempts, reply, gaveUp: 'budget' };
    await pause(clock, delayMs, signal);
  }
}

function retryAfterOf(reply: Refused | Unanswered): number | undefined {
  return reply.kind === 'refused' ? reply.retryAfterMs : undefined;
}
