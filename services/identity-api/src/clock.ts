/** Time as an argument. */
export interface Clock {
  /** Milliseconds since 1970. */
  epochMs(): number;
  /** Milliseconds that only grow: for waits and latencies. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
