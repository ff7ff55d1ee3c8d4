import { setTimeout as wait } from 'node:timers/promises';
import { type Answer, type System, startSystem } from '@sluice/testkit';
import { type Arrivals, isIssued, servedShare, startArrivals } from '../flood/arrivals.js';
import { nextOrder } from '../flood/orders.js';
import { askAgain, asTold } from '../flood/retry.js';
import { createSwiftClient } from '../flood/swift-client.js';

/** What is done to the signing capacity, and under which load; in percent of the whole capacity. */
export interface Cut {
  readonly loadPercent: number;
  readonly cutSeconds: number;
  readonly cutPercent: number;
}

export interface MapCell extends Cut {
  /** From the end of the cut until it served everybody again, and went on to; undefined: not while it was watched. */
  readonly recoveredSeconds: number | undefined;
  /** Certificates in time during the cut, of those asked for then. */
  readonly servedShareInCut: number;
  /** Calls for each order. */
  readonly callsPerOrder: number;
  /** Workload amplification: requests stored in the ledger for each order that was accepted. */
  readonly workAmplification: number;
  /** Capacity amplification: signatures made for each certificate that its client got in time. */
  readonly capacityAmplification: number;
}

const calmSeconds = 10;
const watchedSeconds = 90;
/** As many seconds on end, of which each served so many of its calls at their first try. */
const steadySeconds = 8;
const servedShareMin = 0.99;
/** Certificates come within milliseconds, once it is steady; at most as long as a client waits. */
const clientWaitMs = 6000;
const attemptsMax = 3;

/** Every combination, the gentlest first. */
export function everyCut(): Cut[] {
  return [60, 80, 90].flatMap((loadPercent) =>
    [10, 60].flatMap((cutSeconds) => [50, 80, 95, 100].map((cutPercent) => ({ loadPercent, cutSeconds, cutPercent }))),
  );
}

/**
 * The metastability map (Huang et al., OSDI 2022): for each cut, how long after it the service is not what it was. Clients
 * are those of `packages/client`: the same key, at most three attempts, each when they were told to come. About 50 minutes
 * for every cut; `signaturesPerSecond` whatever the machine could do.
 */
export async function measureMap(
  signaturesPerSecond: number,
  cuts: readonly Cut[],
  tell: (cell: MapCell) => void,
): Promise<MapCell[]> {
  const system = await startSystem({ signers: 2, frontEnds: 2, signaturesPerSecond });
  const cells: MapCell[] = [];
  try {
    for (const cut of cuts) {
      const cell = await measureCell(system, signaturesPerSecond, cut);
      cells.push(cell);
      tell(cell);
    }
    return cells;
  } finally {
    await system.stop();
  }
}

async function measureCell(system: System, signaturesPerSecond: number, cut: Cut): Promise<MapCell> {
  const client = createSwiftClient(system);
  const grantedBefore = system.pacer?.granted() ?? 0;
  let over = false;
  async function comeAgain(order: ReturnType<typeof nextOrder>, told: Answer): Promise<void> {
    await wait(asTold(told), undefined, { ref: false });
    if (!over) await askAgain(client, order, attemptsMax - 1, asTold);
  }
  const arrivals = startArrivals((signaturesPerSecond * cut.loadPercent) / 100, async () => {
    const order = nextOrder();
    const answer = await client.post(order);
    if ((answer.status ?? 503) >= 500) void comeAgain(order, answer);
    return answer;
  });
  await wait(calmSeconds * 1000);
  const cutAt = Date.now();
  system.pacer?.setRate(signaturesPerSecond * (1 - cut.cutPercent / 100));
  await wait(cut.cutSeconds * 1000);
  system.pacer?.setRate(signaturesPerSecond);
  const restoredAt = Date.now();
  const recoveredSeconds = await recovered(arrivals, restoredAt);
  over = true;
  await arrivals.stop();
  await system.settle(60_000);
  await client.close();
  const inCut = arrivals.all.filter(({ dueAt }) => dueAt >= cutAt && dueAt < restoredAt);
  const inTime = client.answers.filter(({ status }) => status === 201).length;
  const accepted = client.answers.filter(({ id }) => id !== undefined);
  return {
    ...cut,
    recoveredSeconds,
    servedShareInCut: inCut.filter(isIssued).length / inCut.length,
    callsPerOrder: client.answers.length / arrivals.all.length,
    workAmplification: new Set(accepted.map(({ id }) => id)).size / new Set(accepted.map(({ key }) => key)).size,
    capacityAmplification: ((system.pacer?.granted() ?? 0) - grantedBefore) / inTime,
  };
}

/** The first second after `restoredAt` from which on it was steady; undefined: there was none while it was watched. */
async function recovered(arrivals: Arrivals, restoredAt: number): Promise<number | undefined> {
  const served = (second: number): boolean => {
    const from = restoredAt + second * 1000;
    return servedShare(arrivals.all, from, from + 1000) >= servedShareMin;
  };
  for (let first = 0; first + steadySeconds <= watchedSeconds; first += 1) {
    await wait(Math.max(0, restoredAt + (first + steadySeconds) * 1000 + clientWaitMs - Date.now()));
    const seconds = Array.from({ length: steadySeconds }, (_, index) => first + index);
    if (seconds.every(served)) return first;
  }
  return undefined;
}
