import { randomUUID } from 'node:crypto';
import type { RequestClass } from '@sluice/issuance';
import { type Answer, type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeAccounts } from './accounts.js';
import { type Arrivals, isIssued, startArrivals, tally } from './arrivals.js';
import { joinsOf } from './joins.js';
import { createLaneFlood } from './lane-flood.js';
import { mostOpenOfOneKey } from './most-open.js';
import { plantOldQueue } from './old-queue.js';
import { nextOrder } from './orders.js';
import { signedOverdue } from './overdue.js';
import { askAgain, atOnce } from './retry.js';
import { runStall, type Stall } from './stall.js';
import { createSwiftClient } from './swift-client.js';

// The floods in small and without times, one after the other on one system: under a minute. At full size, and with times: the
// other files of this folder.

/** Little, so that it is the tokens that are short and not the machine. */
const signaturesPerSecond = 30;
const waitMs = 2000;
const prefer = `wait=${waitMs / 1000}`;

let system: System;
const answers: Answer[] = [];
beforeAll(async () => {
  system = await startSystem({ signers: 2, frontEnds: 2, signaturesPerSecond });
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

const patience = { timeout: 30_000, interval: 20 };
const countOf = (arrivals: Arrivals, wanted: (answer: Answer) => boolean): number =>
  arrivals.all.filter(({ answer }) => answer !== undefined && wanted(answer)).length;
/** As many in a row, of those that came last, were issued. */
const issuedInARow = ({ all }: Arrivals, count: number): boolean => {
  const answered = all.filter(({ answer }) => answer !== undefined).slice(-count);
  return answered.length === count && answered.every(isIssued);
};
const rightRefusal = ({ retryAfterS }: Answer): boolean =>
  Number.isInteger(retryAfterS) && (retryAfterS ?? 0) >= 1 && (retryAfterS ?? 0) <= 300;

/** 80 % of the capacity until some were served, a stall until some were turned away, then for as long as `after` says. */
function stall(after: (arrivals: Arrivals) => Promise<unknown>): Promise<Stall> {
  return runStall(system, {
    ...{ signaturesPerSecond, ordersPerSecond: 0.8 * signaturesPerSecond, waitMs },
    calm: (arrivals) =>
      expect.poll(() => countOf(arrivals, ({ status }) => status === 201), patience).toBeGreaterThan(30),
    stalled: (arrivals) =>
      expect
        .poll(() => countOf(arrivals, ({ status }) => status === 503), patience)
        .toBeGreaterThan(2.5 * signaturesPerSecond),
    after,
  });
}

it('after a stall nothing overdue is signed, and all is well again by itself', async () => {
  const run = await stall((arrivals) => expect.poll(() => issuedInARow(arrivals, 30), patience).toBe(true));
  answers.push(...run.answers);
  await system.settle(30_000);
  expect(await signedOverdue(system, run.answers, waitMs)).toEqual([]);
});

it('ten times the capacity: each is served in time or refused with a time to come back, and a refusal stores nothing', async () => {
  const before = await stored();
  const client = createSwiftClient(system);
  const arrivals = startArrivals(10 * signaturesPerSecond, () => client.post(nextOrder({ prefer })));
  const issued = (): number => countOf(arrivals, ({ status }) => status === 201);
  const refused = (): number => countOf(arrivals, ({ status, id }) => status === 503 && id === undefined);
  await expect.poll(() => Math.min(issued() - 60, refused() - 300), patience).toBeGreaterThan(0);
  await arrivals.stop();
  await client.close();
  answers.push(...client.answers);
  const turnedAway = client.answers.filter(({ status }) => status === 503);
  expect(turnedAway.filter((answer) => !rightRefusal(answer))).toEqual([]);
  expect(client.answers.filter(({ status }) => ![201, 202, 503].includes(status ?? 0))).toEqual([]);
  // On a busy machine the ledger may not have said in time: such a client was told that it does not know.
  const untold = countOf(arrivals, ({ code, id }) => code === 'outcome-unknown' && id === undefined);
  const storedUntold = (await stored()) - before - new Set(client.answers.flatMap(({ id }) => id ?? [])).size;
  expect(storedUntold, JSON.stringify(tally(arrivals.all))).toBeGreaterThanOrEqual(0);
  expect(storedUntold, JSON.stringify(tally(arrivals.all))).toBeLessThanOrEqual(untold);
});

it.each<RequestClass>(['background', 'urgent'])('a flood in %s: every other call is answered 201', async (flooded) => {
  const flood = await createLaneFlood(system, flooded);
  await flood.add(30 * signaturesPerSecond);
  const client = createSwiftClient(system);
  await Promise.all(Array.from({ length: 8 }, () => inTurn(5, () => client.post(nextOrder()))));
  expect(await waiting(flooded)).toBeGreaterThan(0);
  await flood.drain();
  await flood.close();
  await client.close();
  answers.push(...client.answers);
  expect(client.answers.filter(({ status }) => status !== 201)).toEqual([]);
});

it('one account that floods is turned away, and the calls of the others are all answered 201', async () => {
  const others = (await makeAccounts(system, ['calm-1', 'calm-2', 'calm-3'])).map((key) =>
    createSwiftClient(system, key),
  );
  const flooding = createSwiftClient(system);
  const flood = startArrivals(10 * signaturesPerSecond, () => flooding.post(nextOrder()));
  await expect
    .poll(() => countOf(flood, ({ status }) => status === 503 || status === 429), patience)
    .toBeGreaterThan(60);
  await Promise.all(others.map((client) => inTurn(8, () => client.post(nextOrder()))));
  await flood.stop();
  await Promise.all([flooding, ...others].map((client) => client.close()));
  answers.push(...[flooding, ...others].flatMap((client) => client.answers));
  expect(others.flatMap((client) => client.answers.filter(({ status }) => status !== 201))).toEqual([]);
});

it('a retry storm: one open request for each key, joins are never rate limited', async () => {
  const client = createSwiftClient(system);
  const orders = Array.from({ length: 4 * signaturesPerSecond }, () => nextOrder({ prefer: 'wait=1' }));
  const watch = mostOpenOfOneKey(system);
  await Promise.all(orders.map((order) => askAgain(client, order, 5, atOnce)));
  const most = await watch.stop();
  await client.close();
  answers.push(...client.answers);
  const known = new Set(client.answers.filter(({ id }) => id !== undefined).map(({ key }) => key));
  expect(client.answers.filter(({ status, key }) => status === 429 && known.has(key))).toEqual([]);
  expect(most).toBe(1);
});

it('the same order without a key, sent often while it is open, is one request', async () => {
  const joins = () => joinsOf(system);
  const before = await joins();
  system.pacer?.setRate(0);
  const client = createSwiftClient(system);
  const common_name = `${randomUUID()}.example`;
  const order = { ...nextOrder({ subjectDn: { common_name } }), key: undefined };
  const asked = Array.from({ length: 50 }, () => client.post(order));
  await expect.poll(joins, patience).toBe(before + asked.length - 1);
  system.pacer?.setRate(signaturesPerSecond);
  const given = await Promise.all(asked);
  await client.close();
  answers.push(...given);
  expect(new Set(given.map(({ status }) => status))).toEqual(new Set([201]));
  expect(new Set(given.map(({ id }) => id)).size).toBe(1);
});

it('every accepted request ended, by witness, client history and ledger', async () => {
  await system.settle(30_000);
  expect((await system.audit(answers)).violations).toEqual([]);
});

it('the old-style queue fails the same stall: it signs what nobody waits for any more', async () => {
  const remove = await plantOldQueue(system);
  try {
    const run = await stall((arrivals) =>
      expect
        .poll(() => countOf(arrivals, ({ status }) => status === 503), patience)
        .toBeGreaterThan(4 * signaturesPerSecond),
    );
    await system.settle(60_000);
    expect((await signedOverdue(system, run.answers, waitMs)).length).toBeGreaterThan(30);
  } finally {
    await remove();
  }
});

async function inTurn(times: number, ask: () => Promise<Answer>): Promise<void> {
  for (let asked = 0; asked < times; asked += 1) await ask();
}

async function stored(): Promise<number> {
  const [row] = await system.query<{ count: number }>('select count(*)::integer as count from ledger.request');
  return row?.count ?? 0;
}

async function waiting(requestClass: RequestClass): Promise<number> {
  const sql = 'select count(*)::integer as count from ledger.work where class = $1';
  const [row] = await system.query<{ count: number }>(sql, [requestClass]);
  return row?.count ?? 0;
}
