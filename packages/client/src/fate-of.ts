import type { Fate } from '@sluice/errors';
import type { Refused } from './reply.js';

/** What else is known of the calls with an order's key. */
export interface Knowledge {
  /** An attempt of this order may have arrived and was not answered: it may still be on its way, and be accepted. */
  readonly unanswered: boolean;
  /** The key was made for this order, so nobody has sent it before. */
  readonly ownKey: boolean;
}

/** What an order that was refused may rely on, all its attempts considered. */
export function fateOf({ status, code, fate }: Refused, { unanswered, ownKey }: Knowledge): Fate {
  // Refused before anything was looked up: nothing is told of what others with the same key have done.
  if (fate === undefined) return status < 500 && ownKey && !unanswered ? 'not-issued' : 'unknown';
  // The request has expired, and an attempt that arrives late begins it anew.
  if (unanswered && (code === 'not-issued' || code === 'withheld')) return 'unknown';
  return fate;
}
