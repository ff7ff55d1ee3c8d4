import { expect, it } from 'vitest';
import { runLane } from './mixtures/mixture-lane.js';
import { shortTimes } from './mixtures/plan.js';
import { lineOf, type MixtureReport } from './mixtures/run-mixture.js';

/** Few enough for every run, and between them most kinds of faults; `npm run test:soak` draws its seeds at random. */
const seeds = [1, 2, 3];

it('mixtures of faults: client history, witness and ledger agree after each', { timeout: 300_000 }, async () => {
  const left = [...seeds];
  const reports: MixtureReport[] = [];
  await runLane({ times: shortTimes, nextSeed: () => left.shift(), onReport: (report) => reports.push(report) });
  expect(reports.filter(({ violations }) => violations.length > 0).map(lineOf)).toEqual([]);
  expect(reports.length).toBe(seeds.length);
  for (const { issued } of reports) expect(issued).toBeGreaterThan(20);
});
