import type { Log } from './log.js';
import type { Part } from './part.js';
import { within } from './within.js';

export interface RunOptions {
  readonly log: Log;
  /** For stopping all parts together, in milliseconds. */
  readonly drainMs: number;
  /** Stop on SIGTERM and SIGINT. Default true. Later signals are ignored: a Ctrl-C reaches the whole process group. */
  readonly signals?: boolean;
  /** Stops as a signal would; for tests and for parts that end the process. */
  readonly stopWhen?: AbortSignal;
}

/** Each part gets at least this much to let go, even when the ones before it used up the deadline. */
const partStopMinMs = 100;
/** After the drain the event loop should be empty. What still keeps it alive is not worth waiting for. */
const lastResortMs = 1000;

/**
 * Starts the parts in order, waits for SIGTERM, SIGINT or `stopWhen`, and stops them in reverse order within `drainMs`.
 * Resolves when all have stopped; `process.exitCode` is 1 when one did not within its time. When a part fails to start,
 * those before it are stopped, `process.exitCode` is 1 and the failure is thrown.
 */
export async function runParts(parts: readonly Part[], options: RunOptions): Promise<void> {
  const { log, drainMs } = options;
  const stopping = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted) return;
    log.info({ event: 'stopping', signal }, 'stopping');
    stopping.abort();
  };
  const stop = stopping.signal;
  const onAbort = () => stopping.abort();
  if (options.stopWhen?.aborted) stopping.abort();
  options.stopWhen?.addEventListener('abort', onAbort, { once: true });
  if (options.signals ?? true) for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, onSignal);

  const stopped = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener('abort', () => resolve(), { once: true });
  });
  const started: Part[] = [];
  try {
    for (const part of parts) {
      if (stop.aborted) break;
      // A part that is told to stop while it still waits for something away must not hold up the others.
      await Promise.race([start(part, log), stopped]);
      started.push(part);
    }
    await stopped;
  } catch (thrown) {
    process.exitCode = 1;
    throw thrown;
  } finally {
    if (!(await stopAll(started.reverse(), drainMs, log))) process.exitCode = 1;
    options.stopWhen?.removeEventListener('abort', onAbort);
    if (options.signals ?? true) leaveSoon(log);
  }
}

async function start(part: Part, log: Log): Promise<void> {
  try {
    await part.start();
  } catch (err) {
    log.error({ event: 'start-failed', part: part.name, err }, 'a part did not start');
    throw err;
  }
}

/** `true` when every part stopped in its time. One that does not is left behind, so that the next can still stop. */
async function stopAll(parts: readonly Part[], drainMs: number, log: Log): Promise<boolean> {
  const end = performance.now() + drainMs;
  let clean = true;
  for (const part of parts) {
    const leftMs = Math.max(partStopMinMs, end - performance.now());
    try {
      if (await within(leftMs + partStopMinMs, part.stop(leftMs))) continue;
      log.error({ event: 'stop-late', part: part.name, waitedMs: leftMs }, 'a part did not stop in its time');
    } catch (err) {
      log.error({ event: 'stop-failed', part: part.name, err }, 'a part failed while stopping');
    }
    clean = false;
  }
  log.info({ event: 'stopped', clean }, 'stopped');
  return clean;
}

/** The timer does not keep the process alive; it only ends one that something forgotten keeps alive. */
function leaveSoon(log: Log): void {
  setTimeout(() => {
    log.warn({ event: 'last-resort' }, 'something kept the process alive after all parts had stopped');
    process.exit();
  }, lastResortMs).unref();
}
