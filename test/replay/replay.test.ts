import { afterAll, expect, it } from 'vitest';
import { tally } from '../flood/arrivals.js';
import { figuresOf } from './figures.js';
import { type Played, play } from './play.js';
import { all, none, type Run } from './runs.js';
import { sizeForTests } from './size.js';
import { forTests } from './timetable.js';

// 27 and 28 October 2020 in short, with every guard and with none: a replay that cannot fail proves nothing. At full
// length, with each guard alone and each missing: npm run replay.

const options = { timetable: forTests, size: sizeForTests, postgres: 'shared' } as const;
/** Most of a replay is waiting: the two are played side by side. */
const timeout = 150_000;

/** A run that takes too long ends by itself, and is waited for. */
const playing: Promise<unknown>[] = [];
async function playTo(signal: AbortSignal, run: Run): Promise<Played> {
  const played = play(run, { ...options, signal });
  playing.push(played);
  return played;
}
afterAll(async () => {
  await Promise.allSettled(playing);
});

it.concurrent('with all guards every call of a healthy CA is answered 201', { timeout }, async ({ signal }) => {
  const played = await playTo(signal, all);
  expect(tally(played.answers.map((answer) => ({ answer })))).toEqual({ 201: played.answers.length });
  expect(played.answers.length).toBeGreaterThan(200);
  expect(played).toMatchObject({ signedForDead: 0, signedOverdue: 0, faults: [] });
  // At most one per CA and responder, whom nobody told.
  expect(figuresOf(played).rejectedRenewals).toBeLessThanOrEqual(6 * sizeForTests.responders);
});

it.concurrent('with none it collapses, and goes on when its cause is gone', { timeout }, async ({ signal }) => {
  const played = await playTo(signal, none);
  const { served, growthPerSecond, recoveredS } = figuresOf(played);
  expect(served.during).toBeLessThan(0.5);
  expect(growthPerSecond).toBeGreaterThan(0);
  expect(recoveredS).toBeUndefined();
  expect(played.signedOverdue).toBeGreaterThan(0);
});
