import { setTimeout as wait } from 'node:timers/promises';
import { type Answer, type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { arrivalsFor, startArrivals, tally } from './arrivals.js';
import { mostOpenOfOneKey } from './most-open.js';
import { nextOrder } from './orders.js';
import { askAgain, asTold, atOnce } from './retry.js';
import { createSwiftClient, type SwiftClient } from './swift-client.js';

// Goal: clients that come again do not add to the work. Each with its key: one open request per key, no join is rate
// limited, at most 1.1 signatures begun for each request. Those who come when they were told to are served then.

const signaturesPerSecond = 100;
const seconds = 60;
const amplificationMax = 1.1;
const secondTrySuccessMin = 0.95;

let system: System;
const clients: SwiftClient[] = [];
const newClient = (): SwiftClient => {
  const client = createSwiftClient(system);
  clients.push(client);
  return client;
};
beforeAll(async () => {
  system = await startSystem({ signers: 2, frontEnds: 2, signaturesPerSecond });
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  if (system) expect(await system.stop()).toEqual([]);
});

interface Made {
  readonly requests: number;
  readonly serials: number;
}
async function made(): Promise<Made> {
  const [row] = await system.query<Made>(
    `select (select count(*)::integer from ledger.request) as requests, (select count(*)::integer from ledger.serial) as serials`,
  );
  return row ?? { requests: Number.NaN, serials: Number.NaN };
}

it('everybody retries five times at once, with the key', async () => {
  const client = newClient();
  const before = await made();
  const orders = new Set<string | undefined>();
  const watch = mostOpenOfOneKey(system);
  await arrivalsFor(seconds, 2 * signaturesPerSecond, async () => {
    const order = nextOrder();
    orders.add(order.key);
    return (await askAgain(client, order, 6, atOnce)).at(-1) as Answer;
  });
  await system.settle(30_000);
  const mostOpen = await watch.stop();
  const after = await made();
  const serials = after.serials - before.serials;
  const amplification = serials / (after.requests - before.requests);
  const known = new Set(client.answers.filter(({ id }) => id !== undefined).map(({ key }) => key));
  const limitedJoins = client.answers.filter(({ status, key }) => status === 429 && known.has(key)).length;
  console.table([{ orders: orders.size, calls: client.answers.length, mostOpen, limitedJoins, amplification }]);
  console.table(tally(client.answers.map((answer) => ({ answer }))));
  expect(mostOpen).toBe(1);
  expect(limitedJoins).toBe(0);
  expect(amplification).toBeLessThanOrEqual(amplificationMax);
});

it('without keys, what is in flight is joined by its CSR', async () => {
  const client = newClient();
  const before = await made();
  let orders = 0;
  // Each asks three times within its wait, as if the first two had been lost.
  await arrivalsFor(seconds / 2, 0.5 * signaturesPerSecond, async () => {
    const order = { ...nextOrder(), key: undefined };
    orders += 1;
    const [answer] = await Promise.all([client.post(order), client.post(order), client.post(order)]);
    return answer;
  });
  await system.settle(30_000);
  const requests = (await made()).requests - before.requests;
  console.table([{ orders, calls: client.answers.length, requests }]);
  console.table(tally(client.answers.map((answer) => ({ answer }))));
  // A call that comes when the first has just ended is a request of its own.
  expect(requests / orders).toBeLessThanOrEqual(amplificationMax);
});

it('who comes again when told to is served then', async () => {
  const client = newClient();
  const orderly: Promise<Answer[]>[] = [];
  const ask = async (): Promise<Answer> => {
    const answers = askAgain(client, nextOrder(), 3, asTold);
    orderly.push(answers);
    return (await answers).at(-1) as Answer;
  };
  const base = startArrivals(0.5 * signaturesPerSecond, ask);
  for (let burst = 0; burst < 3; burst += 1) {
    await wait(10_000);
    await arrivalsFor(3, 5 * signaturesPerSecond, ask);
  }
  await wait(10_000);
  await base.stop();
  const retried = (await Promise.all(orderly)).filter(({ length }) => length > 1);
  const served = retried.filter(([, second]) => (second?.status ?? 503) < 300).length;
  console.table([{ orders: orderly.length, retried: retried.length, secondTrySuccess: served / retried.length }]);
  console.table(tally(client.answers.map((answer) => ({ answer }))));
  expect(served / retried.length).toBeGreaterThanOrEqual(secondTrySuccessMin);
});

it('every accepted request ended, by witness, client history and ledger', async () => {
  await system.settle(30_000);
  expect((await system.audit(clients.flatMap(({ answers }) => answers))).violations).toEqual([]);
});
