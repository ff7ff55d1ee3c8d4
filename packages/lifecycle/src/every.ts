import type { Log } from './log.js';
import type { Part } from './part.js';
import { within } from './within.js';

/**
 * A loop: runs `work` at once and then again `intervalMs` after each end, so it never overlaps itself. An error is
 * logged, once while it stays the same, and the loop goes on. `stop` aborts the signal that `work` got and waits for it to return.
 */
export function every(name: string, intervalMs: number, work: (signal: AbortSignal) => Promise<void>, log: Log): Part {
  const stopping = new AbortController();
  const { signal } = stopping;
  let loop: Promise<void> | undefined;

  let lastSaid: string | undefined;

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await work(signal);
        lastSaid = undefined;
      } catch (err) {
        const said = String(err);
        if (!signal.aborted && said !== lastSaid)
          log.error({ event: 'loop-error', part: name, err }, 'a periodic task failed; it goes on');
        lastSaid = said;
      }
      await pause(intervalMs, signal);
    }
  }

  return {
    name,
    async start() {
      loop ??= run();
    },
    async stop(deadlineMs) {
      stopping.abort();
      if (loop && !(await within(deadlineMs, loop))) {
        log.warn({ event: 'stop-late', part: name }, 'a periodic task did not end in its time');
      }
    },
  };
}

function pause(waitMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, waitMs);
    signal.addEventListener('abort', end);
  });
}
