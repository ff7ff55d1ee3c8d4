import type { Log } from './log.js';

/** Tells of what fails again and again: the first time, then at growing intervals how often by now, and its end. */
export interface OutageLog {
  /** An error with a `code` that was not there before in this outage is told at once, too. `about` is told with it. */
  failed(err: unknown, about?: object): void;
  /** It went well; said when a failure was. */
  over(): void;
}

export interface OutageLogOptions {
  readonly log: Log;
  /** Said as `NAME-failed` and `NAME-again`. */
  readonly name: string;
  readonly messages: { readonly failed: string; readonly again: string };
  readonly monotonicMs: () => number;
}

/** From the first line to the second; each pause after it is twice as long, up to the longest. */
const firstPauseMs = 10_000;
const longestPauseMs = 600_000;

export function createOutageLog({ log, name, messages, monotonicMs }: OutageLogOptions): OutageLog {
  let count = 0;
  let sinceMs = 0;
  let pauseMs = firstPauseMs;
  let sayAtMs = 0;
  const codes = new Set<unknown>();

  const facts = () => ({ count, forMs: Math.round(monotonicMs() - sinceMs) });
  return {
    failed(err, about = {}) {
      const nowMs = monotonicMs();
      const code = (err as { code?: unknown } | undefined)?.code;
      count += 1;
      if (count === 1) [sinceMs, pauseMs] = [nowMs, firstPauseMs];
      else if (nowMs >= sayAtMs) pauseMs = Math.min(2 * pauseMs, longestPauseMs);
      else if (codes.has(code)) return;
      codes.add(code);
      sayAtMs = nowMs + pauseMs;
      log.warn({ event: `${name}-failed`, ...facts(), ...about, err }, messages.failed);
    },
    over() {
      if (count === 0) return;
      log.info({ event: `${name}-again`, ...facts() }, messages.again);
      count = 0;
      codes.clear();
    },
  };
}
