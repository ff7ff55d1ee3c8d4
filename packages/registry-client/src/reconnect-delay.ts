const shortestMs = 200;
const firstMs = 2000;
const longestMs = 5000;

/**
 * How long to wait before the next stream, in milliseconds, after so many that brought nothing: spread, so that two
 * hundred subscribers do not come back at the same moment. `random`: 0 ≤ x < 1.
 */
export function reconnectDelayMs(fruitless: number, random: () => number): number {
  const mostMs = Math.min(longestMs, firstMs * 1.5 ** fruitless);
  return shortestMs + random() * (mostMs - shortestMs);
}
