/** Time as an argument. */
export interface Clock {
  /** Milliseconds since 1970: to read a Retry-After that names a date. */
  epochMs(): number;
  /** Milliseconds that only grow: for deadlines. */
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

/** Resolves after `delayMs`; rejects with the signal's reason when that comes first. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = (): void => {
      takeBack();
      reject(signal?.reason);
    };
    const takeBack = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}
