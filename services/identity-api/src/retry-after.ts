import type { Code } from '@sluice/errors';

/**
 * Base of Retry-After in seconds, where the error itself does not tell better (as admission's do). A code that is not
 * here gets none: trying again would not help.
 */
const baseS: Partial<Record<Code, number>> = {
  'not-issued': 2,
  withheld: 2,
  'outcome-unknown': 1,
  overloaded: 4,
  'lane-full': 4,
  'account-full': 4,
  'rate-limited': 2,
  'quota-exceeded': 60,
  unavailable: 2,
  draining: 1,
  fenced: 3,
  'stale-snapshot': 2,
  // A person decides about what has failed.
  failed: 60,
};

/** Retry-After for this code: whole seconds from the base to twice the base plus one, so that clients do not return together. */
export function retryAfterS(code: Code, random: () => number): number | undefined {
  const base = baseS[code];
  return base === undefined ? undefined : base + Math.floor(random() * (base + 1));
}

/** When to look again at a request that goes on. */
export function lookAgainS(random: () => number): number {
  return 1 + Math.floor(random() * 2);
}
