/** Time as an argument. */
export interface Clock {
  /** Milliseconds since 1970. */
  epochMs(): number;
  /** Milliseconds that only grow: for waits and latencies. */
  monotonicMs(): number;
  /** Calls back once after `delayMs` (at once when it is not positive); returns what takes it back. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.max(0, delayMs));
    return () => clearTimeout(timer);
  },
};
