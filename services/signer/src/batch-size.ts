/** One turn never carries more (step 5). */
export const batchRowsMax = 64;
/** How long one batch should be with the key: short, so that stages overlap and nobody waits behind a long convoy. */
const signMsTarget = 150;
const weightOfNewest = 0.2;

/**
 * How many rows to claim at once: as many as the keys sign in 150 ms, as lately measured, from 1 to 64. A slow token
 * thus holds few rows under lease, and what arrives meanwhile is still ordered by policy in the ledger.
 */
export interface BatchSize {
  rows(): number;
  /** `rows` rows took `signMs` from the claim's answer to their last signature. */
  observe(rows: number, signMs: number): void;
}

export function createBatchSize(): BatchSize {
  let msPerRow = signMsTarget / batchRowsMax;
  return {
    rows: () => Math.max(1, Math.min(batchRowsMax, Math.floor(signMsTarget / msPerRow))),
    observe(rows, signMs) {
      if (rows > 0) msPerRow += weightOfNewest * (Math.max(signMs, 0.01) / rows - msPerRow);
    },
  };
}
