import { expect, it } from 'vitest';
import { runLane } from './mixtures/mixture-lane.js';
import { shortTimes } from './mixtures/plan.js';
import { lineOf, type MixtureReport } from './mixtures/run-mixture.js';

/** Few enough for every run, and others in each; CRASH_SEED repeats them. `npm run test:soak` goes through many. */
const count = 2;
const first = Number(process.env.CRASH_SEED ?? Math.floor(Date.now() / 1000) % 1_000_000);
const seeds = Array.from({ length: count }, (_, index) => first + index);

it('mixtures of faults: client history, witness and ledger agree after each', { timeout: 300_000 }, async () => {
  console.info(`CRASH_SEED=${first}`);
  const left = [...seeds];
  const reports: MixtureReport[] = [];
  await runLane({ times: shortTimes, nextSeed: () => left.shift(), onReport: (report) => reports.push(report) });
  expect(reports.filter(({ violations }) => violations.length > 0).map(lineOf)).toEqual([]);
  expect(reports.length).toBe(seeds.length);
  for (const { issued } of reports) expect(issued).toBeGreaterThan(20);
});
