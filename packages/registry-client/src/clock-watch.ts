import type { Log } from '@sluice/lifecycle';
import type { Metrics } from '@sluice/telemetry';

/** More than this is no drift: a clock was set wrong, or jumped. */
const skewMaxMs = 5000;

/**
 * How far this process's wall clock is from the ledger's. The ledger tells its time with each renewal of the lease;
 * between two of them it is carried on by the monotonic clock, so that a jump is seen at once and without a call, and
 * so is its end.
 *
 * What a wrong clock would spoil: serials' day, the times in logs and the audit trail, tokens between services, ids of
 * requests (a front end's). What it would not: deadlines, leases and certificates' validity go by the ledger's clock.
 */
export interface ClockWatch {
  /** Call before the ledger is asked; call what it returns with the ledger's answer. */
  asking(): (ledgerTime: Date) => void;
  /** Milliseconds that we are ahead (negative: behind); `undefined` before the ledger has told. */
  skewMs(): number | undefined;
  /** What is wrong, in words; `undefined` while it is within 5 s, give or take half the ledger's round trip. */
  fault(): string | undefined;
  /** Logs when a fault begins and when it ends. Call it about once a second. */
  look(): void;
}

export interface ClockWatchOptions {
  readonly now: () => Date;
  readonly monotonicMs: () => number;
  readonly metrics: Metrics;
  readonly log: Log;
}

export function createClockWatch(options: ClockWatchOptions): ClockWatch {
  const { now, monotonicMs, metrics, log } = options;
  /** The ledger's time is the monotonic clock plus `offsetMs`, give or take `doubtMs`. */
  let told: { readonly offsetMs: number; readonly doubtMs: number } | undefined;
  let wrong = false;

  const skewMs = (): number | undefined =>
    told === undefined ? undefined : now().getTime() - (monotonicMs() + told.offsetMs);

  function fault(): string | undefined {
    const skew = skewMs() ?? 0;
    if (Math.abs(skew) - (told?.doubtMs ?? 0) <= skewMaxMs) return undefined;
    return `${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? 'ahead of' : 'behind'} the ledger`;
  }

  metrics.gauge('clock_skew_seconds', "How far this process's clock is ahead of the ledger's.", [], (gauge) =>
    gauge.set((skewMs() ?? 0) / 1000),
  );

  return {
    asking() {
      const askedAtMs = monotonicMs();
      return (ledgerTime) => {
        const doubtMs = (monotonicMs() - askedAtMs) / 2;
        told = { offsetMs: ledgerTime.getTime() - (askedAtMs + doubtMs), doubtMs };
      };
    },
    skewMs,
    fault,
    look() {
      const said = fault();
      if (said !== undefined && !wrong) log.error({ event: 'clock-wrong', skew_ms: skewMs() }, `the clock is ${said}`);
      if (said === undefined && wrong) log.info({ event: 'clock-right' }, 'the clock is right again');
      wrong = said !== undefined;
    },
  };
}
