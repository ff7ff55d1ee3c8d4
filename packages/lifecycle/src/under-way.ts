/** What is under way, for whoever has to wait until all that began before some moment has ended. */
export interface UnderWay {
  /** Runs it and gives back what it gives. It is under way from this very call on. */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Resolves when all that is under way now has ended, well or not; what begins later is not waited for. */
  ended(): Promise<void>;
}

export function createUnderWay(): UnderWay {
  const running = new Set<Promise<unknown>>();
  return {
    async run(work) {
      const one = work();
      running.add(one);
      try {
        return await one;
      } finally {
        running.delete(one);
      }
    },
    async ended() {
      await Promise.allSettled(running);
    },
  };
}
