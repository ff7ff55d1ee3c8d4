import { describe, expect, it } from 'vitest';
import { bySecond } from './by-second.js';
import { figuresOf } from './figures.js';
import type { Played } from './play.js';
import { none } from './runs.js';
import type { Timetable } from './timetable.js';

const timetable: Timetable = { calm: -5, ceremony: -2, rollOut: 2, parkThird: 4, parkAll: 6, reduced: 10, end: 20 };
const beganAt = Date.parse('2020-10-28T14:00:00Z');

/** Four orders a second, answered 201 after 100 ms, but 503 after 6 s in the seconds that `fails` names. */
function playedWith(fails: (second: number) => boolean, open: (second: number) => number = () => 0): Played {
  const seconds = Array.from({ length: timetable.end - timetable.calm }, (_, index) => timetable.calm + index);
  const arrivals = seconds
    .flatMap((second) => [0, 0.25, 0.5, 0.75].map((part) => second + part))
    .map((second, number) => {
      const dueAt = beganAt + second * 1000;
      const [status, tookMs] = fails(Math.floor(second)) ? [503, 6000] : [201, 100];
      const answer = { number, call: 'POST', baseUrl: '', sentAt: dueAt, endedAt: dueAt + tookMs, status } as const;
      return { dueAt, answer };
    });
  const samples = seconds.map((second) => ({ at: beganAt + second * 1000, open: open(second), oldestS: 1 }));
  const nothing = { renewals: [], acts: [], faults: [], signedForDead: 0, signedOverdue: 0 };
  const answers = arrivals.map(({ answer }) => answer);
  return { ...nothing, run: none, timetable, beganAt, arrivals, answers, samples };
}

describe('figures', () => {
  it('no harm: all served, over at once', () => {
    const { served, p99Ms, harmedSeconds, recoveredS } = figuresOf(playedWith(() => false));
    expect(served).toEqual({ calm: 1, during: 1, after: 1 });
    expect(p99Ms.during).toBe(100);
    expect([harmedSeconds, recoveredS]).toEqual([0, 0]);
  });

  it('harm that ends with its cause, some time after it, or not while it is watched', () => {
    const recovered = (from: number, to: number) =>
      figuresOf(playedWith((second) => second >= from && second < to)).recoveredS;
    expect([recovered(1, 10), recovered(1, 14), recovered(1, 20), recovered(18, 19)]).toEqual([
      0,
      4,
      undefined,
      undefined,
    ]);
    const { served, harmedSeconds } = figuresOf(playedWith((second) => second >= 5 && second < 15));
    expect(served).toEqual({ calm: 1, during: 0.5, after: 0.5 });
    expect(harmedSeconds).toBe(10);
  });

  it('how fast the queue grows when the cause is gone', () => {
    const growth = (open: (second: number) => number) => figuresOf(playedWith(() => false, open)).growthPerSecond;
    expect(growth((second) => 7 * Math.max(0, second))).toBeCloseTo(6.3);
    expect(growth((second) => Math.max(0, 60 - 6 * (second - 10)))).toBeCloseTo(-5.4);
  });
});

it('by seconds: latency when it was due, answers when they came', () => {
  const seconds = bySecond(playedWith((second) => second === 3));
  const at = (second: number) => seconds.find((one) => one.second === second);
  expect(at(3)).toMatchObject({ p50S: 6, served: 0, unavailable: 0 });
  expect(at(9)).toMatchObject({ p50S: 0.1, served: 4, unavailable: 4, limited: 0, other: 0, oldestS: 1 });
});
