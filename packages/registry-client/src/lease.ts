import { asSluiceError, SluiceError } from '@sluice/errors';
import { createOutageLog, type Log, type Part, within } from '@sluice/lifecycle';
import type { SubscriberReport } from '@sluice/registry-protocol';
import type { Metrics } from '@sluice/telemetry';
import type { ClockWatch } from './clock-watch.js';

/** Who a process is in the ledger: fits the ledger's own caller. */
export interface LeaseHolder {
  readonly name: string;
  readonly incarnation: bigint;
}

export interface LeaseOptions<C extends LeaseHolder> {
  /** Takes a new incarnation in the ledger; any older one of this name is fenced by it. */
  readonly enrol: () => Promise<C>;
  /** Prolongs the lease (30 s) in the ledger itself, so that a lost registry fences nobody. Resolves with its clock. */
  readonly renew: (caller: C, appliedEpoch: bigint, report?: SubscriberReport) => Promise<Date>;
  readonly appliedEpoch: () => bigint;
  /** What to tell with a renewal; a change of it is told within about a second. */
  readonly report?: () => Promise<SubscriberReport>;
  /** Learns the ledger's time from each renewal. */
  readonly clock?: ClockWatch;
  readonly metrics?: Metrics;
  readonly log: Log;
  /** Between two renewals while nothing new was applied; default 10 s, a third of the lease. */
  readonly intervalMs?: number;
  /** After a renewal that failed, and until a newly applied epoch is told; default 1 s. */
  readonly retryMs?: number;
}

export interface Lease<C extends LeaseHolder> extends Part {
  /**
   * Enrols. Without the ledger it resolves all the same and goes on trying: the process starts, and is not ready. Throws
   * what the ledger refuses for good.
   */
  start(): Promise<void>;
  /** The present incarnation. Throws `fenced` before the first enrolment, and while it gives way to another process. */
  caller(): C;
  /**
   * For whoever was just told `fenced`: renews now, and enrols anew if that is refused. Shared; logs and throws what
   * failed, at once also while it gives way to another process.
   */
  renewNow(): Promise<void>;
}

/** A report that takes longer is left out: nothing may keep a lease from being renewed. */
const reportWaitMs = 1000;

/** With these `start` goes on trying; whatever else the ledger says it will say again. */
const ledgerAway: ReadonlySet<string> = new Set(['unavailable', 'outcome-unknown']);

/** Fenced twice, each time so soon after it had enrolled: two processes use one name and fence each other. */
const quarrelWindowMs = 60_000;
const givesWayMs = 1000;
/** More than the window: the other has then kept the lease so long that it is the one in no quarrel. */
const givesWayMaxMs = 64_000;

/**
 * Holds a subscriber's lease in the ledger: enrols at start, renews, enrols anew when fenced. Of two processes under one
 * name each gives way twice as long as the time before. The older one was fenced first, so it is the first to give way
 * for longer than the window; from then on the younger one takes the lease back at once, and has it nearly always.
 */
export function createLease<C extends LeaseHolder>(options: LeaseOptions<C>): Lease<C> {
  const { enrol, renew, appliedEpoch, log } = options;
  const { intervalMs = 10_000, retryMs = 1000 } = options;
  let held: C | undefined;
  let toldEpoch = 0n;
  let toldReport = '';
  let renewing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let enrolledAtMs = Number.NEGATIVE_INFINITY;
  /** In a row, each within the window. */
  let fencings = 0;
  let mayEnrolAtMs = Number.NEGATIVE_INFINITY;
  const quarrels = options.metrics?.counter('name_quarrels_total', 'How often it gave way to another of its name.');
  const outage = createOutageLog({
    log,
    name: 'renew',
    messages: { failed: 'the lease is not had, or not renewed; trying again', again: 'the lease is renewed again' },
    monotonicMs: () => performance.now(),
  });

  async function makeReport(): Promise<SubscriberReport | undefined> {
    const report = options.report?.();
    return report !== undefined && (await within(reportWaitMs, report).catch(() => false)) ? report : undefined;
  }

  /** The epoch and the report are told, and the ledger's clock is heard. */
  async function renewAs(caller: C): Promise<void> {
    const epoch = appliedEpoch();
    const report = await makeReport();
    const hear = options.clock?.asking();
    const ledgerTime = await renew(caller, epoch, report);
    hear?.(ledgerTime);
    toldEpoch = epoch;
    if (report !== undefined) toldReport = essence(report);
  }

  async function isNews(): Promise<boolean> {
    if (appliedEpoch() !== toldEpoch) return true;
    const report = await makeReport();
    return report !== undefined && essence(report) !== toldReport;
  }

  async function enrolAnew(): Promise<C> {
    if (performance.now() < mayEnrolAtMs) throw new SluiceError('fenced', 'Giving way to another process of this name');
    const caller = await enrol();
    held = caller;
    enrolledAtMs = performance.now();
    log.info({ event: 'enrolled', ...factsOf(caller) }, 'enrolled as a subscriber');
    return caller;
  }

  function onFenced(caller: C): void {
    // A stopped or frozen process comes back here. What it had claimed belongs to the sweep by now.
    log.warn({ event: 'fenced', ...factsOf(caller) }, 'the lease ran out, or another process of this name enrolled');
    const nowMs = performance.now();
    fencings = nowMs - enrolledAtMs < quarrelWindowMs ? fencings + 1 : 1;
    if (fencings < 2) return;
    held = undefined;
    const waitMs = Math.min(givesWayMaxMs, givesWayMs * 2 ** (fencings - 2));
    mayEnrolAtMs = nowMs + waitMs;
    quarrels?.inc();
    const text = 'fenced again and again: does another process use this name? giving way to it for a while';
    log.error({ event: 'name-quarrel', ...factsOf(caller), waitMs }, text);
  }

  async function renewOnce(): Promise<void> {
    const caller = held ?? (await enrolAnew());
    try {
      await renewAs(caller);
    } catch (error) {
      if (asSluiceError(error).code !== 'fenced') throw error;
      onFenced(caller);
      await renewAs(await enrolAnew());
    }
  }

  /** Single flight: many calls refused at the same moment enrol once, not once each. */
  function renewNow(): Promise<void> {
    renewing ??= renewOnce()
      .then(outage.over, (thrown: unknown) => {
        outage.failed(thrown);
        throw thrown;
      })
      .finally(() => {
        renewing = undefined;
      });
    return renewing;
  }

  const waitForNext = (): void => schedule(performance.now() + intervalMs - retryMs / 2);

  /** Looks every `retryMs`: renews when it is time, or when there is something to tell. */
  function schedule(dueAtMs: number): void {
    if (stopped) return;
    timer = setTimeout(async () => {
      options.clock?.look();
      if (performance.now() < dueAtMs && !(await isNews())) return schedule(dueAtMs);
      if (stopped) return;
      renewNow().then(waitForNext, () => schedule(0));
    }, retryMs);
  }

  return {
    name: 'lease',
    async start() {
      try {
        await renewNow();
        waitForNext();
      } catch (thrown) {
        if (!ledgerAway.has(asSluiceError(thrown).code)) throw thrown;
        schedule(0);
      }
    },
    async stop() {
      // Nothing is handed back: the lease runs out by itself, and the next start takes a new incarnation.
      stopped = true;
      clearTimeout(timer);
    },
    caller() {
      if (held === undefined) throw new SluiceError('fenced', 'Not enrolled');
      return held;
    },
    renewNow,
  };
}

const factsOf = ({ name, incarnation }: LeaseHolder) => ({ name, incarnation: String(incarnation) });

/** What of a report is worth a renewal of its own: not the figures that change all the time. */
function essence({ ready, troubles, breakers, refused }: SubscriberReport): string {
  return JSON.stringify([ready, troubles, breakers, Object.keys(refused).sort()]);
}
