import { asSluiceError, SluiceError } from '@sluice/errors';
import { createOutageLog, type Log, type Part, within } from '@sluice/lifecycle';
import type { SubscriberReport } from '@sluice/registry-protocol';
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
  /** The present incarnation. Throws `fenced` before the first enrolment. */
  caller(): C;
  /** For whoever was just told `fenced`: renews now, and enrols anew if that is refused. Shared; logs and throws what failed. */
  renewNow(): Promise<void>;
}

/** A report that takes longer is left out: nothing may keep a lease from being renewed. */
const reportWaitMs = 1000;

/** With these `start` goes on trying; whatever else the ledger says it will say again. */
const ledgerAway: ReadonlySet<string> = new Set(['unavailable', 'outcome-unknown']);

/** Enrolments within this time that mean: two processes use one name and fence each other. */
const quarrelWindowMs = 60_000;
const quarrelCount = 3;

/** Holds a subscriber's lease in the ledger: enrols at start, renews, enrols anew when fenced. */
export function createLease<C extends LeaseHolder>(options: LeaseOptions<C>): Lease<C> {
  const { enrol, renew, appliedEpoch, log } = options;
  const { intervalMs = 10_000, retryMs = 1000 } = options;
  let held: C | undefined;
  let toldEpoch = 0n;
  let toldReport = '';
  let renewing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let enrolledAtMs: number[] = [];
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
    const caller = await enrol();
    held = caller;
    const nowMs = performance.now();
    enrolledAtMs = [...enrolledAtMs.filter((atMs) => nowMs - atMs < quarrelWindowMs), nowMs];
    const facts = { name: caller.name, incarnation: String(caller.incarnation) };
    log.info({ event: 'enrolled', ...facts }, 'enrolled as a subscriber');
    if (enrolledAtMs.length > quarrelCount) {
      log.error({ event: 'name-quarrel', ...facts }, 'fenced again and again: does another process use this name?');
    }
    return caller;
  }

  async function renewOnce(): Promise<void> {
    const caller = held ?? (await enrolAnew());
    try {
      await renewAs(caller);
    } catch (error) {
      if (asSluiceError(error).code !== 'fenced') throw error;
      // A stopped or frozen process comes back here. What it had claimed belongs to the sweep by now.
      log.warn({ event: 'fenced', incarnation: String(caller.incarnation) }, 'the lease ran out; enrolling anew');
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
      if (held === undefined) throw new SluiceError('fenced', 'Not enrolled yet');
      return held;
    },
    renewNow,
  };
}

/** What of a report is worth a renewal of its own: not the figures that change all the time. */
function essence({ ready, troubles, breakers }: SubscriberReport): string {
  return JSON.stringify([ready, troubles, breakers]);
}
