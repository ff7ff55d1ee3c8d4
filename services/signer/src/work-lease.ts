const guardMsMax = 2000;
const guardShareMax = 0.2;

/** The time this signer has for what it claimed (step 6). Measured here, never asked of the ledger. */
export interface WorkLease {
  /** Milliseconds until the sweep may take the work away; 0 when that has come. */
  remainingMs(): number;
  /** False in the last 2 s (a fifth of a lease below 10 s): a signature begun then could end after the sweep burned its serial. */
  mayAskKey(): boolean;
  /** Milliseconds until `mayAskKey` turns false; 0 when it has. */
  askKeyWithinMs(): number;
}

/**
 * `startedAtMs`, on the monotonic clock, is the moment *before* the claim was first sent: the ledger's own lease begins
 * later, so ours always ends first, however long the answer took.
 */
export function createWorkLease(startedAtMs: number, leaseMs: number, monotonicMs: () => number): WorkLease {
  const endsAtMs = startedAtMs + leaseMs;
  const guardMs = Math.min(guardMsMax, leaseMs * guardShareMax);
  const askKeyWithinMs = (): number => Math.max(0, endsAtMs - guardMs - monotonicMs());
  return {
    remainingMs: () => Math.max(0, endsAtMs - monotonicMs()),
    mayAskKey: () => askKeyWithinMs() > 0,
    askKeyWithinMs,
  };
}
