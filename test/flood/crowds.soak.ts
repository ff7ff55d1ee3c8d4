import { type Answer, type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeAccounts } from './accounts.js';
import { isIssued, startArrivals, tally } from './arrivals.js';
import { joinsOf } from './joins.js';
import { nextOrder } from './orders.js';
import { createSwiftClient, type SwiftClient } from './swift-client.js';

// Goal: a client that has lost its mind costs the others nothing. Ten thousand keys for one payload are as many orders,
// of which those are served that there is room for; thousands of joins of one request are one request.

/** CROWD_KEYS */
const keyCount = Number(process.env.CROWD_KEYS ?? 10_000);
/** CROWD_JOINS */
const joinCount = Number(process.env.CROWD_JOINS ?? 5000);
const signaturesPerSecond = 100;
const othersPerSecond = 5;
const atOnce = 500;

let system: System;
let mad: SwiftClient;
let others: SwiftClient;
beforeAll(async () => {
  system = await startSystem({ signers: 2, frontEnds: 2, signaturesPerSecond });
  mad = createSwiftClient(system);
  others = createSwiftClient(system, (await makeAccounts(system, ['calm']))[0]);
  // Until the signers have measured what they can, no longer what their start cost.
  for (let warm = 0; warm < 50; warm += 1) await others.post(nextOrder());
});
afterAll(async () => {
  await Promise.all([mad, others].map((client) => client?.close()));
  if (system) expect(await system.stop()).toEqual([]);
});

async function stored(): Promise<number> {
  const [row] = await system.query<{ count: number }>('select count(*)::integer as count from ledger.request');
  return row?.count ?? Number.NaN;
}
const idsOf = (answers: readonly Answer[]): Set<string> => new Set(answers.flatMap(({ id }) => id ?? []));
const show = (what: string, answers: readonly Answer[]): void => {
  console.log(what);
  console.table(tally(answers.map((answer) => ({ answer }))));
};

it('many keys for one payload: each is served or refused with a time to come back, and others are all served', async () => {
  const { key: _, ...payload } = nextOrder();
  const before = await stored();
  const calm = startArrivals(othersPerSecond, () => others.post(nextOrder()));
  const answers: Answer[] = [];
  let sent = 0;
  const inTurn = async (): Promise<void> => {
    while (sent < keyCount) {
      sent += 1;
      answers.push(await mad.post({ ...nextOrder(), ...payload }));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, inTurn));
  await calm.stop();
  show('many keys', answers);
  show('others', others.answers);
  expect(answers.filter(({ status }) => ![201, 202, 429, 503].includes(status ?? 0))).toEqual([]);
  const turnedAway = answers.filter(({ status, id }) => (status === 429 || status === 503) && id === undefined);
  expect(turnedAway.filter(({ retryAfterS = 0 }) => !Number.isInteger(retryAfterS) || retryAfterS < 1)).toEqual([]);
  expect(calm.all.filter((arrival) => !isIssued(arrival))).toEqual([]);
  expect((await stored()) - before).toBe(idsOf([...answers, ...others.answers]).size);
});

it.each([
  ['with a key', {}],
  ['without a key', { key: undefined }],
])('thousands of joins %s are one request, and nobody is refused for their number', async (_what, how) => {
  const before = await stored();
  const joined = await joinsOf(system);
  system.pacer?.setRate(0);
  const order = nextOrder(how);
  const first = mad.post(order);
  await expect.poll(stored, { timeout: 10_000 }).toBe(before + 1);
  const asked = Array.from({ length: joinCount - 1 }, () => mad.post(order));
  // Places for 1000 at each front end: whoever comes beyond is told at once where to look.
  await expect.poll(() => joinsOf(system), { timeout: 120_000 }).toBe(joined + joinCount - 1);
  system.pacer?.setRate(signaturesPerSecond);
  const answers = await Promise.all([first, ...asked]);
  show('joins', answers);
  expect(idsOf(answers).size).toBe(1);
  expect(answers.filter(({ status }) => ![201, 202, 503].includes(status ?? 0))).toEqual([]);
  expect(answers.filter(({ status, code }) => status === 503 && code !== 'outcome-unknown')).toEqual([]);
  expect((await stored()) - before).toBe(1);
  expect(await others.post(nextOrder())).toMatchObject({ status: 201 });
});

it('every accepted request ended, by witness, client history and ledger', async () => {
  await system.settle(30_000);
  expect((await system.audit([...mad.answers, ...others.answers])).violations).toEqual([]);
});
