import { setTimeout as wait } from 'node:timers/promises';
import { type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeAccounts } from './accounts.js';
import { type Arrival, arrivalsFor, isIssued, percentile, startArrivals, tally, tookMs } from './arrivals.js';
import { createLaneFlood } from './lane-flood.js';
import { nextOrder } from './orders.js';
import { createSwiftClient, type SwiftClient } from './swift-client.js';
import { warmUp } from './warm-up.js';

// Goal: what comes in another class, or from another account, at a hundred times its share, costs the others nothing:
// every call answered 201, and p99 no worse than max(1.2 × calm, calm + 50 ms), by the median of alternating runs.

/** NEIGHBOUR_CAPACITY: a hundred times a share of it must not be too much for the machine that also makes the flood. */
const signaturesPerSecond = Number(process.env.NEIGHBOUR_CAPACITY ?? 100);
/** NEIGHBOUR_SIGNERS: they share one token, and whoever has a row in it keeps the others waiting for as long. */
const signers = Number(process.env.NEIGHBOUR_SIGNERS ?? 2);
/** The paced token signs one row at a time, whoever asks: more places in front of it would only be a line. */
const signingSlots = 1;
/** Of the other accounts together: a third of what interactive may have at least. */
const ordersPerSecond = 0.2 * signaturesPerSecond;
/** NEIGHBOUR_SECONDS: of each run. */
const runSeconds = Number(process.env.NEIGHBOUR_SECONDS ?? 15);
/** The first is not counted: it warms what only floods need. */
const pairs = 6;
/** So many that a hundred times the fair share of one account is what this machine can also make. */
const calmAccounts = 39;
/** In percent of the capacity, as in ARCHITECTURE. */
const shares = { background: 5, urgent: 20 } as const;
const flood = 100;

let system: System;
let clients: SwiftClient[];
let flooding: SwiftClient;
beforeAll(async () => {
  const env = { signer: { SLUICE_SIGNING_SLOTS: String(signingSlots) } };
  system = await startSystem({ signers, frontEnds: 2, signaturesPerSecond, env });
  const names = Array.from({ length: calmAccounts }, (_, index) => `calm-${index}`);
  clients = (await makeAccounts(system, names)).map((key) => createSwiftClient(system, key));
  flooding = createSwiftClient(system);
  await warmUp(system, clients, signaturesPerSecond);
});
afterAll(async () => {
  await Promise.all([...(clients ?? []), flooding].map((client) => client?.close()));
  if (system) expect(await system.stop()).toEqual([]);
});

let asked = 0;
const neighbours = (): Promise<Arrival[]> =>
  arrivalsFor(runSeconds, ordersPerSecond, () => {
    asked += 1;
    return (clients[asked % clients.length] as SwiftClient).post(nextOrder());
  });
const p99Ms = (run: readonly Arrival[]): number => percentile(run.map(tookMs), 0.99);
const p50Ms = (run: readonly Arrival[]): number => percentile(run.map(tookMs), 0.5);
const median = (values: readonly number[]): number => percentile(values, 0.5);

/** `begin` begins the flood; what it resolves with ends it. */
async function compare(what: string, begin: () => Promise<() => Promise<void>>): Promise<void> {
  const calm: Arrival[][] = [];
  const beside: Arrival[][] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    calm.push(await neighbours());
    const end = await begin();
    beside.push(await neighbours());
    await end();
  }
  const counted = (runs: readonly Arrival[][]): Arrival[][] => runs.slice(1);
  const calmP99Ms = median(counted(calm).map(p99Ms));
  const maxMs = Math.max(1.2 * calmP99Ms, calmP99Ms + 50);
  const besideMs = median(counted(beside).map(p99Ms));
  const times = {
    calmP50Ms: median(counted(calm).map(p50Ms)),
    p50Ms: median(counted(beside).map(p50Ms)),
    calmP99Ms,
    p99Ms: besideMs,
    maxMs,
  };
  console.table([{ what, ...times }]);
  console.table(calm.map((run, pair) => ({ calmP99Ms: p99Ms(run), p99Ms: p99Ms(beside[pair] ?? []) })));
  const all = [...calm, ...beside].flat();
  console.table(tally(all));
  expect(all.filter((arrival) => !isIssued(arrival)).map(({ answer }) => answer)).toEqual([]);
  expect(besideMs).toBeLessThanOrEqual(maxMs);
}

it.each<keyof typeof shares>(['background', 'urgent'])('a flood in %s', async (flooded) => {
  const perSecond = (flood * shares[flooded] * signaturesPerSecond) / 100;
  const lane = await createLaneFlood(system, flooded);
  await compare(`${perSecond}/s in ${flooded}`, async () => {
    let over = false;
    const adding = (async () => {
      while (!over) await Promise.all([lane.add(perSecond / 5), wait(200)]);
    })();
    return async () => {
      over = true;
      await adding;
      await lane.drain();
    };
  });
  await lane.close();
});

it('one account at a hundred times its fair share', async () => {
  const perSecond = (flood * signaturesPerSecond) / (calmAccounts + 1);
  await compare(`${perSecond}/s from one account`, async () => {
    const arrivals = startArrivals(perSecond, () => flooding.post(nextOrder()));
    return () => arrivals.stop();
  });
  console.table(tally(flooding.answers.map((answer) => ({ answer }))));
});

it('every accepted request ended, by witness, client history and ledger', async () => {
  await system.settle(30_000);
  const answers = [...clients, flooding].flatMap((client) => client.answers);
  expect((await system.audit(answers)).violations).toEqual([]);
});
