const firstMs = 500;
const longestMs = 5000;

/**
 * How long to wait before the next attempt, in milliseconds: as long as the service asked for, and then full jitter over
 * a range that doubles with each attempt, so that those who were told the same do not return together.
 * `attempts`: made so far. `random`: 0 ≤ x < 1.
 */
export function retryDelayMs(attempts: number, retryAfterMs: number | undefined, random: () => number): number {
  return (retryAfterMs ?? 0) + random() * Math.min(longestMs, firstMs * 2 ** (attempts - 1));
}

/** Longest that is believed: beyond any deadline. */
const retryAfterMaxS = 7 * 86_400;

/** Retry-After in milliseconds from now (RFC 9110 10.2.3: seconds or a date); `undefined` for what is neither. */
export function readRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,10}$/.test(value)) return Math.min(Number(value), retryAfterMaxS) * 1000;
  // Dates begin with the day's name; `Date.parse` would take much else.
  const atMs = /^[A-Z][a-z]+,? /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.min(Math.max(0, atMs - nowMs), retryAfterMaxS * 1000);
}
