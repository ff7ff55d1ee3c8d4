import { percentile } from '../flood/arrivals.js';
import type { Played } from './play.js';

/** One second of a run, counted from the first renewal. */
export interface Second {
  readonly second: number;
  /** From when the first tries of this second were due until they were answered, whatever was said. NaN: there were none. */
  readonly p50S: number;
  readonly p99S: number;
  /** Of the tries that were answered in this second. */
  readonly served: number;
  readonly unavailable: number;
  readonly limited: number;
  /** 202, 409, a connection that broke: what is none of these three. */
  readonly other: number;
  /** As it was last seen in this second. NaN: nobody looked. */
  readonly oldestS: number;
  readonly open: number;
}

/** The run by seconds, from the first order on. */
export function bySecond({ timetable, beganAt, arrivals, answers, samples }: Played): Second[] {
  const within = (at: number, second: number): boolean => Math.floor((at - beganAt) / 1000) === second;
  return Array.from({ length: timetable.end - timetable.calm }, (_, index) => {
    const second = timetable.calm + index;
    const took = arrivals
      .filter(({ dueAt }) => within(dueAt, second))
      .map(({ dueAt, answer }) => ((answer?.endedAt ?? Number.NaN) - dueAt) / 1000);
    const said = answers.filter(({ endedAt }) => within(endedAt, second)).map(({ status }) => status);
    const count = (status: number): number => said.filter((one) => one === status).length;
    const [served, unavailable, limited] = [count(201), count(503), count(429)];
    const sample = samples.findLast(({ at }) => within(at, second));
    return {
      ...{ second, p50S: percentile(took, 0.5), p99S: percentile(took, 0.99) },
      ...{ served, unavailable, limited, other: said.length - served - unavailable - limited },
      ...{ oldestS: sample?.oldestS ?? Number.NaN, open: sample?.open ?? Number.NaN },
    };
  });
}
