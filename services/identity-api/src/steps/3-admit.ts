import { type Code, SluiceError } from '@sluice/errors';
import { createRetryCalendar, fitsInS, leftOf, predictedWaitS, type RetryCalendar } from '@sluice/issuance';
import type { Ask, Case, LoadView, Place } from './3-load-view.js';

export interface Admission {
  /**
   * Throws `lane-full`, `account-full` (a cap on what is open) or `overloaded` (it would not be signed in time), with
   * Retry-After; else this one counts as open.
   */
  admit(ask: Ask): Place;
  /** Would it be signed in time? Admits nothing. */
  fits(ask: Ask): boolean;
}

/** How much may be open. What is held counts for its account and flow, and keeps no other out. */
export interface OpenRequestsMax {
  readonly perLane: number;
  readonly perAccount: number;
  /** Per (account, CA) in a lane. */
  readonly perFlow: number;
}

export interface AdmissionOptions {
  /** Sampled once a second. */
  readonly view: LoadView;
  readonly openRequestsMax: OpenRequestsMax;
  readonly monotonicMs: () => number;
  /** 0 ≤ x < 1: jitter. */
  readonly random: () => number;
}

/** Why not, and in how many seconds there would be room. */
interface Refusal {
  readonly code: Code;
  readonly fitsInS: number;
}

/** All front ends together let one order per second into a lane that has no room, so that what is signed again is seen. */
const probeIntervalMs = 1000;
/** Where nothing is signed, nobody knows when to come back: so soon, and up to twice as late. */
const retryBlindlyS = 5;

/**
 * Step 3: only what would be signed in time is let in; arithmetic, without I/O. While the ledger gives no count the own
 * admissions add up and refuse in the end: with it away nothing could be stored anyway.
 */
export function createAdmission(options: AdmissionOptions): Admission {
  const { view, openRequestsMax, monotonicMs, random } = options;
  const calendars = new Map<string, RetryCalendar>();
  const probedAtMs = new Map<string, number>();

  function mayProbe(lane: string): boolean {
    const nowMs = monotonicMs();
    if (nowMs - (probedAtMs.get(lane) ?? Number.NEGATIVE_INFINITY) < probeIntervalMs * view.frontEnds()) return false;
    probedAtMs.set(lane, nowMs);
    return true;
  }

  function calendarOf(lane: string): RetryCalendar {
    const known = calendars.get(lane);
    if (known !== undefined) return known;
    const calendar = createRetryCalendar();
    calendars.set(lane, calendar);
    return calendar;
  }

  function retryAfterS({ placed, table }: Case, roomInS: number): number {
    if (table.perSecond === undefined || table.perSecond === 0)
      return retryBlindlyS + Math.floor(random() * (retryBlindlyS + 1));
    return calendarOf(placed.lane).book(monotonicMs(), roomInS, table.perSecond / view.frontEnds(), random());
  }

  return {
    admit(ask) {
      const one = view.look(ask);
      const { lane } = one.placed;
      calendarOf(lane).came(monotonicMs());
      const refusal = refusalOf(one, openRequestsMax);
      if (refusal !== undefined && !(refusal.code === 'overloaded' && mayProbe(lane))) {
        const circumstances = { facts: { lane }, retryAfterS: retryAfterS(one, refusal.fitsInS) };
        throw new SluiceError(refusal.code, undefined, circumstances);
      }
      return view.take(one);
    },
    fits: (ask) => refusalOf(view.look(ask), openRequestsMax) === undefined,
  };
}

function refusalOf(one: Case, max: OpenRequestsMax): Refusal | undefined {
  const { ask, table, since, openOfAccount, openOfFlow } = one;
  const full = (code: Code, above: number): Refusal => ({ code, fitsInS: (above + 1) / (table.perSecond ?? 1) });
  const aboveLane = leftOf(table.ahead, since.lane, table, since.seconds) - max.perLane;
  if (aboveLane >= 0) return full('lane-full', aboveLane);
  const aboveOwn = Math.max(openOfAccount - max.perAccount, openOfFlow - max.perFlow);
  if (aboveOwn >= 0) return full('account-full', aboveOwn);
  if (ask.held) return undefined;
  const waitS = predictedWaitS(table, table.flow(ask.account, ask.ca), since);
  const late = fitsInS(table, waitS, ask.waitMs);
  return late > 0 ? { code: 'overloaded', fitsInS: late } : undefined;
}
