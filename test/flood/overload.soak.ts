import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { memoryOfService } from '../bench/memory.js';
import { type Arrival, isIssued, percentile, startArrivals, tally, tookMs } from './arrivals.js';
import { nextOrder } from './orders.js';
import { createSwiftClient } from './swift-client.js';
import { warmUp } from './warm-up.js';

// Goal: ten times what can be signed, for ten minutes. Who is accepted has a certificate within 6 s (p99), who is refused
// knows within 50 ms (p99), 90 % of the capacity becomes certificates in time, and no process grows.

/** OVERLOAD_CAPACITY: ten times as many calls a second must not be too many for two cores that also make them. */
const signaturesPerSecond = Number(process.env.OVERLOAD_CAPACITY ?? 20);
const times = 10;
/** OVERLOAD_MINUTES */
const minutes = Number(process.env.OVERLOAD_MINUTES ?? 10);
/** Heaps are compared from then on. */
const firstMinute = Math.min(3, minutes);
const acceptedP99MsMax = 6000;
const refusedP99MsMax = 50;
const goodputMin = 0.9;
const heapChangeMax = 0.1;

let system: System;
beforeAll(async () => {
  system = await startSystem({ signers: 2, frontEnds: 2, signaturesPerSecond });
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

type Heaps = Record<string, number>;

interface Minute {
  readonly heaps: Heaps;
  /** How late this process was, which makes the load and reads the clock: the p99 of its event loop. */
  readonly ownP99Ms: number;
}

/** Heaps: the least of the minute, which is what is left after a collection. */
async function watchMinute(): Promise<Minute> {
  const least: Heaps = {};
  const own = monitorEventLoopDelay({ resolution: 2 });
  own.enable();
  for (const end = performance.now() + 60_000; performance.now() < end; await wait(500)) {
    const all = await Promise.all([...system.frontEnds, ...system.signers].map(memoryOfService));
    for (const { process, heapMiB = 0 } of all) least[process] = Math.min(least[process] ?? heapMiB, heapMiB);
  }
  own.disable();
  return { heaps: least, ownP99Ms: own.percentile(99) / 1e6 };
}

function row(minute: number, due: readonly Arrival[], { heaps, ownP99Ms }: Minute) {
  const whole = (ms: number): number => Math.round(ms);
  const refused = due.filter(({ answer }) => answer?.status === 503 && answer.id === undefined);
  return {
    minute,
    goodput: due.filter(isIssued).length / (60 * signaturesPerSecond),
    acceptedP99Ms: whole(percentile(due.filter(({ answer }) => answer?.id !== undefined).map(tookMs), 0.99)),
    refusedP50Ms: whole(percentile(refused.map(tookMs), 0.5)),
    refusedP99Ms: whole(percentile(refused.map(tookMs), 0.99)),
    ownP99Ms: whole(ownP99Ms),
    ...Object.fromEntries(Object.entries(heaps).map(([process, mib]) => [`${process} MiB`, Number(mib.toFixed(1))])),
  };
}

it('serves what it can, refuses the rest at once, and does not grow', async () => {
  const client = createSwiftClient(system);
  await warmUp(system, [client], signaturesPerSecond);
  const arrivals = startArrivals(times * signaturesPerSecond, () => client.post(nextOrder()));
  const beganAt = Date.now();
  const watched: Minute[] = [];
  for (let minute = 0; minute < minutes; minute += 1) watched.push(await watchMinute());
  await arrivals.stop();
  await client.close();
  const rows = watched.map((minute, index) => {
    const from = beganAt + index * 60_000;
    return row(
      index + 1,
      arrivals.all.filter(({ dueAt }) => dueAt >= from && dueAt < from + 60_000),
      minute,
    );
  });
  console.table(rows);
  console.table(tally(arrivals.all));
  for (const { goodput, acceptedP99Ms, refusedP99Ms } of rows.slice(1)) {
    expect(acceptedP99Ms).toBeLessThan(acceptedP99MsMax);
    expect(refusedP99Ms).toBeLessThan(refusedP99MsMax);
    expect(goodput).toBeGreaterThanOrEqual(goodputMin);
  }
  const [early = {}, late = {}] = [watched[firstMinute - 1]?.heaps, watched.at(-1)?.heaps];
  for (const [process, mib] of Object.entries(late)) {
    expect(mib / (early[process] ?? Number.NaN), process).toBeLessThanOrEqual(1 + heapChangeMax);
  }
  await system.settle(30_000);
  expect((await system.audit(client.answers)).violations).toEqual([]);
});
