/**
 * One run at a time, shared by whoever asks; and no caller gets a run that began before it asked, since that run may
 * have read what the caller already knows to be old. So at most one more run waits behind the running one. An error
 * goes to every caller of its run; nobody starts again because of it.
 */
export function latestAfter(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function begin(): Promise<void> {
    const run = work().finally(() => {
      if (running === run) running = undefined;
    });
    running = run;
    return run;
  }

  return () => {
    if (next !== undefined) return next;
    if (running === undefined) return begin();
    const follow = (): Promise<void> => {
      next = undefined;
      return begin();
    };
    next = running.then(follow, follow);
    return next;
  };
}
