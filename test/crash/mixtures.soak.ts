import { appendFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runLane } from './mixtures/mixture-lane.js';
import { fullTimes, shortTimes } from './mixtures/plan.js';
import { lineOf, type MixtureReport } from './mixtures/run-mixture.js';
import { summaryOf } from './mixtures/summary.js';

/**
 * CRASH_SEED=N replays from there (default: by the clock), CRASH_MIXTURES how many, CRASH_LANES how many systems side
 * by side, CRASH_TIMES=full the times of real life, CRASH_REPORT a file for a JSON line per mixture.
 */
const { CRASH_SEED, CRASH_MIXTURES = '40', CRASH_LANES = '2', CRASH_TIMES = 'short', CRASH_REPORT } = process.env;
const first = CRASH_SEED === undefined ? Math.floor(Date.now() / 1000) % 1_000_000 : Number(CRASH_SEED);
const count = Number(CRASH_MIXTURES);

it(`${count} mixtures from seed ${first}: client history, witness and ledger agree after each`, async () => {
  const reports: MixtureReport[] = [];
  const begunAtMs = performance.now();
  let next = first;
  const lane = () =>
    runLane({
      times: CRASH_TIMES === 'full' ? fullTimes : shortTimes,
      nextSeed: () => (next < first + count ? next++ : undefined),
      onReport(report) {
        reports.push(report);
        const leftS = ((performance.now() - begunAtMs) / reports.length / 1000) * (count - reports.length);
        console.log(`${reports.length}/${count}, about ${Math.round(leftS)} s left; ${lineOf(report)}`);
        if (CRASH_REPORT !== undefined) appendFileSync(CRASH_REPORT, `${JSON.stringify(report)}\n`);
      },
    });
  await Promise.all(Array.from({ length: Number(CRASH_LANES) }, lane));
  console.log(summaryOf(reports));
  expect(reports.filter(({ violations }) => violations.length > 0).map(lineOf)).toEqual([]);
  expect(reports.length).toBe(count);
});
