import { type Arrival, isIssued, percentile, servedShare, tally, tookMs } from '../flood/arrivals.js';
import type { Played } from './play.js';

/** What a run comes to. Seconds count from the first renewal. */
export interface Figures {
  /** Of the orders due in this time, those answered 201 at their first try. */
  readonly served: ByPhase;
  /** Of those that were served, from when they were due. NaN: nobody was. */
  readonly p99Ms: ByPhase;
  /** While the cause lasted: 201, 503 and so on of all tries. */
  readonly told: Readonly<Record<string, number>>;
  readonly callsPerOrder: number;
  /** Calls of renewers that were told that a CA is dead. */
  readonly rejectedRenewals: number;
  readonly signedForDead: number;
  readonly signedOverdue: number;
  readonly oldestSMax: number;
  /** Requests a second that the queue grew by from the end of the cause to the end of the run; negative: it shrank. */
  readonly growthPerSecond: number;
  /** Seconds in which not everybody was served. */
  readonly harmedSeconds: number;
  /** The last such second, from the end of the cause; 0: there was none after it. Undefined: not over at the end. */
  readonly recoveredS: number | undefined;
}

export interface ByPhase {
  readonly calm: number;
  /** From the first renewal until no responder asks for a dead CA any more. */
  readonly during: number;
  readonly after: number;
}

/** A second in which at least so many were served harmed nobody. */
const servedMin = 0.99;
/** As many seconds on end without harm, up to the end, before it is over. */
const steadySeconds = 3;

export function figuresOf(played: Played): Figures {
  const { timetable, beganAt, arrivals, answers, renewals, samples, signedForDead, signedOverdue } = played;
  const { reduced, end } = timetable;
  const moment = (second: number): number => beganAt + second * 1000;
  const byPhase = (value: (from: number, to: number) => number): ByPhase => ({
    calm: value(Number.NEGATIVE_INFINITY, moment(0)),
    during: value(moment(0), moment(reduced)),
    after: value(moment(reduced), moment(end)),
  });
  const due = (from: number, to: number): Arrival[] => arrivals.filter(({ dueAt }) => dueAt >= from && dueAt < to);
  const harmed = Array.from({ length: end }, (_, second) => second).filter(
    (second) => servedShare(arrivals, moment(second), moment(second + 1)) < servedMin,
  );
  const lastHarmed = harmed.at(-1) ?? -1;
  const openAt = (second: number): number => samples.findLast(({ at }) => at <= moment(second))?.open ?? Number.NaN;
  const during = answers.filter(({ sentAt }) => sentAt >= moment(0) && sentAt < moment(reduced));
  return {
    served: byPhase((from, to) => servedShare(arrivals, from, to)),
    p99Ms: byPhase((from, to) => percentile(due(from, to).filter(isIssued).map(tookMs), 0.99)),
    told: tally(during.map((answer) => ({ answer }))),
    callsPerOrder: answers.length / arrivals.length,
    rejectedRenewals: renewals.filter(({ status }) => status === 409).length,
    ...{ signedForDead, signedOverdue },
    oldestSMax: Math.max(...samples.map(({ oldestS }) => oldestS)),
    growthPerSecond: (openAt(end) - openAt(reduced)) / (end - reduced),
    harmedSeconds: harmed.length,
    recoveredS: lastHarmed >= end - steadySeconds ? undefined : Math.max(0, lastHarmed + 1 - reduced),
  };
}
