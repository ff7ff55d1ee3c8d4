/** Resubmissions at the rates that were asked for: how many each may take now. */
export interface Pace {
  /** At most a second's worth, however long it was not asked. */
  allowance(receipt: string, ratePerS: number): number;
  /** Took so many. */
  took(receipt: string, count: number): void;
}

/** The clock is monotonic, in milliseconds. What a process took before its death is not known: it begins with nothing. */
export function createPace(monotonicMs: () => number): Pace {
  const left = new Map<string, { allowed: number; atMs: number }>();
  return {
    allowance(receipt, ratePerS) {
      const nowMs = monotonicMs();
      const before = left.get(receipt) ?? { allowed: 0, atMs: nowMs };
      const allowed = Math.min(ratePerS, before.allowed + (ratePerS * (nowMs - before.atMs)) / 1000);
      left.set(receipt, { allowed, atMs: nowMs });
      return Math.floor(allowed);
    },
    took(receipt, count) {
      const before = left.get(receipt);
      if (before !== undefined) before.allowed -= count;
    },
  };
}
