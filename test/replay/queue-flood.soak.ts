import { expect, it } from 'vitest';
import { servedShare } from '../flood/arrivals.js';
import { type Played, play } from './play.js';
import { byThePage } from './runs.js';
import { sizeForPeople } from './size.js';
import type { Timetable } from './timetable.js';

// Goal: somebody who follows runbooks/queue-flood.md, and does nothing else, brings the service back: front ends that were
// never told and admit everything, renewers that never stop, signers that step back after any failure. The cause goes on
// meanwhile; deadlines and joins keep calls from adding to it.

/** From the last step of the page to the end of the cause: a back-off of 10 s, one call of 6 s, and time to look at. */
const timetable: Timetable = {
  calm: -10,
  ceremony: -5,
  rollOut: 5,
  parkThird: 15,
  parkAll: 22,
  reduced: 60,
  end: 66,
};
const backAt = 42;

const played = (park: boolean): Promise<Played> => {
  const has = new Set([...byThePage.has].filter((guard) => park || guard !== 'park'));
  return play({ ...byThePage, has }, { timetable, size: sizeForPeople, postgres: 'shared' });
};
const served = ({ arrivals, beganAt }: Played, from: number, to: number): number =>
  servedShare(arrivals, beganAt + from * 1000, beganAt + to * 1000);

it('brings it back', async () => {
  const run = await played(true);
  console.table(run.acts);
  expect(run.acts.map(({ exitCode }) => exitCode)).toEqual(run.acts.map(() => 0));
  expect(served(run, 0, timetable.parkThird)).toBeLessThan(0.5);
  expect(served(run, backAt, timetable.reduced)).toBeGreaterThanOrEqual(0.99);
});

it('it does not come back by itself', async () => {
  const run = await played(false);
  expect(served(run, backAt, timetable.reduced)).toBeLessThan(0.5);
});
