/** One turn never carries more (step 5). */
export const batchRowsMax = 64;
/** How much work all claims of a lane together should have under lease: enough that stages overlap. */
const workMsTarget = 150;

/**
 * How many rows a lane claims at once: its claims by policy in flight together as many as it gets signed in 150 ms (`undefined`: not
 * known yet), and each from 1 to 64. So few rows are under lease with a slow token, even fewer of a class that gets little
 * of a busy one, and what arrives meanwhile is still ordered by policy in the ledger.
 */
export function batchRows(rowsPerSecond: number | undefined, claimsInFlight: number): number {
  if (rowsPerSecond === undefined) return batchRowsMax;
  const rows = Math.floor((rowsPerSecond * workMsTarget) / 1000 / claimsInFlight);
  return Math.max(1, Math.min(batchRowsMax, rows));
}
