import { setTimeout as wait } from 'node:timers/promises';
import { type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isIssued, percentile, servedShare, tally, tookMs } from './arrivals.js';
import { plantOldQueue } from './old-queue.js';
import { signedOverdue } from './overdue.js';
import { runStall, type Stall } from './stall.js';

// Goal: signers that stood still for a minute at 80 % load sign nothing overdue, and 30 s later 99 % of the clients get
// their certificate again, and nobody did anything. The old-style queue fails the same test.

const signaturesPerSecond = 100;
const waitMs = 6000;
const calmMs = 20_000;
const stallMs = 60_000;
const recoveredMs = 30_000;
const afterMs = 60_000;
const successMin = 0.99;

let system: System;
beforeAll(async () => {
  system = await startSystem({ signers: 2, frontEnds: 2, signaturesPerSecond });
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

const run = (): Promise<Stall> =>
  runStall(system, {
    ...{ signaturesPerSecond, ordersPerSecond: 0.8 * signaturesPerSecond, waitMs },
    calm: () => wait(calmMs),
    stalled: () => wait(stallMs),
    after: () => wait(afterMs),
  });

function show({ arrivals, stalledAt, resumedAt }: Stall): void {
  const stepMs = 10_000;
  const rows = Array.from({ length: (calmMs + stallMs + afterMs) / stepMs }, (_, step) => {
    const from = stalledAt - calmMs + step * stepMs;
    const due = arrivals.all.filter(({ dueAt }) => dueAt >= from && dueAt < from + stepMs);
    const p99Ms = Math.round(percentile(due.filter(isIssued).map(tookMs), 0.99));
    return { afterStallS: Math.round((from - resumedAt) / 1000), p99Ms, ...tally(due) };
  });
  console.table(rows);
}

it('nothing overdue is signed, and 99 % are served again after half a minute', async () => {
  const stall = await run();
  show(stall);
  await system.settle(30_000);
  expect(await signedOverdue(system, stall.answers, waitMs)).toEqual([]);
  const { arrivals, resumedAt } = stall;
  expect(servedShare(arrivals.all, resumedAt + recoveredMs, resumedAt + afterMs)).toBeGreaterThanOrEqual(successMin);
  expect((await system.audit(stall.answers)).violations).toEqual([]);
});

it('the old-style queue fails the same', async () => {
  const remove = await plantOldQueue(system);
  try {
    const stall = await run();
    show(stall);
    const { arrivals, resumedAt } = stall;
    expect(servedShare(arrivals.all, resumedAt + recoveredMs, resumedAt + afterMs)).toBeLessThan(successMin);
    expect((await signedOverdue(system, stall.answers, waitMs)).length).toBeGreaterThan(0);
  } finally {
    await remove();
  }
});
