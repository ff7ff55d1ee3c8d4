/** Waits for `work`, at most `waitMs`. `false` when it was not done by then; its rejection is passed on. */
export async function within(waitMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), waitMs);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

const sliceMs = 250;

/**
 * As `within`, but only time in which this process could hear counts: while it is held up (one long step, a machine
 * that gives it no turn) what came waits unread, and is read before the next slice ends. For whoever takes silence for a sign.
 */
export async function withinHeard(waitMs: number, work: Promise<unknown>): Promise<boolean> {
  for (let leftMs = waitMs; leftMs > 0; leftMs -= sliceMs) {
    if (await within(Math.min(sliceMs, leftMs), work)) return true;
  }
  return false;
}
