const lookEveryMs = 500;
/** An answer that takes longer is asked after. */
const slowMs = 3000;

export interface SilenceWatchOptions {
  /** Asks on a new connection; answers within seconds whatever happens. */
  readonly isThere: () => Promise<boolean>;
  /** Called when an answer is long in coming and a new connection gets none either. */
  readonly onSilent: () => void;
}

/**
 * Notices a server that went silent: it hangs, or the way to it swallows everything, and TCP would take minutes to say
 * so. A slow statement alone proves nothing; one that is slow while a new connection gets no answer does. Costs two
 * operations on a set per call.
 */
export interface SilenceWatch {
  during<T>(answer: Promise<T>): Promise<T>;
  stop(): void;
}

export function createSilenceWatch({ isThere, onSilent }: SilenceWatchOptions): SilenceWatch {
  /** Calls without an answer yet, oldest first. */
  const unanswered = new Set<{ readonly sinceMs: number }>();
  let asking = false;

  const isSlow = (): boolean => {
    for (const { sinceMs } of unanswered) return performance.now() - sinceMs > slowMs;
    return false;
  };

  async function look(): Promise<void> {
    if (asking || !isSlow()) return;
    asking = true;
    const there = await isThere();
    asking = false;
    // Answered meanwhile: then it was not silent.
    if (!there && isSlow()) onSilent();
  }
  const timer = setInterval(() => void look(), lookEveryMs).unref();

  return {
    async during(answer) {
      const call = { sinceMs: performance.now() };
      unanswered.add(call);
      try {
        return await answer;
      } finally {
        unanswered.delete(call);
      }
    },
    stop: () => clearInterval(timer),
  };
}
