const lookEveryMs = 500;
/** An answer that is not there after so many looks, 3 s, is asked after. */
const slowLooks = 6;

export interface SilenceWatchOptions {
  /** Asks on a new connection; answers within seconds whatever happens. */
  readonly isThere: () => Promise<boolean>;
  /** Called when an answer is long in coming and a new connection gets none either. */
  readonly onSilent: () => void;
}

/**
 * Notices a server that went silent: it hangs, or the way to it swallows everything, and TCP would take minutes to say
 * so. A slow statement alone proves nothing; one that is slow while a new connection gets no answer does. Time is counted in
 * looks, between which what came is read: a process that was held up itself has not waited. Costs two operations on a
 * set per call.
 */
export interface SilenceWatch {
  during<T>(answer: Promise<T>): Promise<T>;
  stop(): void;
}

export function createSilenceWatch({ isThere, onSilent }: SilenceWatchOptions): SilenceWatch {
  /** Calls without an answer yet, oldest first. */
  const unanswered = new Set<{ readonly sinceLook: number }>();
  let looks = 0;
  let asking = false;
  let answered = false;

  const isSlow = (): boolean => {
    for (const { sinceLook } of unanswered) return looks - sinceLook > slowLooks;
    return false;
  };

  async function look(): Promise<void> {
    looks += 1;
    if (asking || !isSlow()) return;
    asking = true;
    answered = false;
    const there = await isThere();
    asking = false;
    // Answered meanwhile: then it was not silent. Those that were slow may have given up, and others not got as far.
    if (!there && !answered) onSilent();
  }
  const timer = setInterval(() => void look(), lookEveryMs).unref();

  return {
    async during(answer) {
      const call = { sinceLook: looks };
      unanswered.add(call);
      try {
        const result = await answer;
        answered = true;
        return result;
      } finally {
        unanswered.delete(call);
      }
    },
    stop: () => clearInterval(timer),
  };
}
