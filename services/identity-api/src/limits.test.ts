import type { AccountLimits } from '@sluice/issuance';
import { afterEach, describe, expect, it } from 'vitest';
import { looked, told } from './testing/front-test.js';
import {
  anotherAsk,
  body,
  forgedCsr,
  newKey,
  otherApiKey,
  type StartedFront,
  startFront,
} from './testing/start-front.js';

let front: StartedFront;
afterEach(async () => {
  await front.server.stop(100);
  expect(front.ledger.violations).toEqual([]);
});
async function startWith(limits: AccountLimits): Promise<void> {
  front = await startFront({ limits });
}

const async = { prefer: 'respond-async' };
let made = 0;
/** A new order each time; nobody waits for it. */
const order = (headers: Record<string, string> = {}) => {
  made += 1;
  return front.post({ ...body, subject_dn: { common_name: `order ${made}` } }, { ...async, ...headers });
};
const limited = { status: 429, code: 'rate-limited', fate: 'not-issued' };

describe('the rate of an account', () => {
  it('beyond it: 429 before the CSR is verified, with the moment from which on it is worth to ask again', async () => {
    await startWith({ ratePerSecond: 1, burst: 2 });
    expect([(await order()).status, (await order()).status]).toEqual([202, 202]);
    const answer = await front.post({ ...body, csr: forgedCsr });
    // The window of two seconds, and half of the jitter that there may be.
    expect(answer.headers.get('retry-after')).toBe('3');
    expect(answer.headers.get('ratelimit')).toBe('"orders";r=0;t=3');
    expect(answer.headers.get('ratelimit-policy')).toBe('"orders";q=2;w=2');
    expect(await told(answer)).toEqual(limited);
    expect(front.ledger.calls).toMatchObject({ accept: 2, join: 0 });
    expect(await front.metrics()).toContain('sluice_refusals_total{reason="rate-limited",service="identity-api"} 1');
    const ofAnother = await front.post(body, { ...async, authorization: `Bearer ${otherApiKey}` });
    expect(ofAnother.status).toBe(202);
    await front.clock.advance(2000);
    expect((await order()).status).toBe(202);
  });

  it('what is refused for another reason counts; what is refused for the rate does not', async () => {
    await startWith({ ratePerSecond: 2, burst: 1 });
    expect(await told(await front.post({ ...body, csr: forgedCsr }))).toMatchObject({ code: 'csr-invalid' });
    expect((await order()).status).toBe(202);
    for (let times = 0; times < 5; times += 1) expect(await told(await order())).toEqual(limited);
    await front.clock.advance(1000);
    expect((await order()).status).toBe(202);
  });

  it('what is refused for the rate takes nobody’s place: what a join gives back is there for the next', async () => {
    await startWith({ ratePerSecond: 2, burst: 1 });
    const headers = { ...async, 'idempotency-key': newKey() };
    expect((await front.post(body, headers)).status).toBe(202);
    let letGo: (() => void) | undefined;
    front.ledger.beforeAccept = () =>
      new Promise((resolve) => {
        letGo = resolve;
      });
    const joining = front.post(body, headers);
    await expect.poll(() => letGo).toBeDefined();
    expect((await order()).status).toBe(429);
    front.ledger.beforeAccept = async () => undefined;
    letGo?.();
    expect((await joining).status).toBe(202);
    expect((await order()).status).toBe(202);
  });

  it('with a known key the request is joined all the same; with a new one nobody knows: its twin may be committing', async () => {
    await startWith({ ratePerSecond: 1, burst: 1 });
    const headers = { ...async, 'idempotency-key': newKey() };
    expect((await front.post(body, headers)).status).toBe(202);
    expect((await front.post(body, headers)).status).toBe(202);
    expect((await order()).status).toBe(429);
    expect((await front.post(body, headers)).status).toBe(202);
    expect(await told(await order({ 'idempotency-key': newKey() }))).toEqual({ ...limited, fate: 'unknown' });
    expect(front.ledger.stored.size).toBe(1);
  });

  it('a new attempt after expired is charged', async () => {
    await startWith({ ratePerSecond: 1, burst: 2 });
    const headers = { 'idempotency-key': newKey() };
    await front.post(body, { ...headers, ...async });
    const [first] = front.ledger.stored.keys();
    front.ledger.become(first ?? '', { state: 'expired', withheld: false });
    expect((await front.post(body, { ...headers, ...async })).status).toBe(202);
    expect(front.ledger.stored.size).toBe(2);
    expect((await order()).status).toBe(429);
    const [, second] = front.ledger.stored.keys();
    front.ledger.become(second ?? '', { state: 'expired', withheld: false });
    expect(await told(await front.post(body, headers))).toEqual({ ...limited, fate: 'unknown' });
  });
});

it('a new attempt after expired that there is no room for is charged like any other, and is no join', async () => {
  await startWith({ ratePerSecond: 2, burst: 1 });
  const headers = { 'idempotency-key': newKey() };
  await front.post(body, { ...headers, ...async });
  const [first = ''] = front.ledger.stored.keys();
  front.ledger.become(first, { state: 'expired', withheld: false });
  for (let open = 0; open < 100; open += 1) front.admission.admit(anotherAsk);
  const answer = await front.post(body, headers);
  expect(answer.headers.get('location')).toBeNull();
  expect(await told(answer)).toEqual({ status: 503, code: 'lane-full', fate: 'unknown' });
  expect(await front.metrics()).not.toContain('verdict="joined"');
  expect((await order()).status).toBe(429);
});

describe('joins', () => {
  it('cost nothing: 20 of them, with a rate of two', async () => {
    await startWith({ ratePerSecond: 2, burst: 1 });
    front.ledger.afterAccept = (id) => front.ledger.issue(id);
    const headers = { 'idempotency-key': newKey() };
    await looked(front, headers);
    for (let times = 0; times < 20; times += 1) expect((await front.post(body, headers)).status).toBe(201);
    expect((await order()).status).toBe(202);
    expect((await order()).status).toBe(429);
  });

  it('without a key as well', async () => {
    await startWith({ ratePerSecond: 2, burst: 1 });
    for (let times = 0; times < 10; times += 1) expect((await front.post(body, async)).status).toBe(202);
    expect(front.ledger.stored.size).toBe(1);
    expect((await order()).status).toBe(202);
  });

  it('without a key as well, beyond the rate, up to their own cap', async () => {
    await startWith({ ratePerSecond: 1, burst: 1, joinsPerSecond: 3 });
    const statuses: number[] = [];
    for (let times = 0; times < 6; times += 1) statuses.push((await front.post(body, async)).status);
    // One order, and three joins beyond the rate; then nothing is looked up any more.
    expect(statuses).toEqual([202, 202, 202, 202, 429, 429]);
    expect(front.ledger.stored.size).toBe(1);
  });

  it('beyond their own cap they count as orders, and beyond both nothing is looked up any more', async () => {
    await startWith({ ratePerSecond: 3, burst: 1, joinsPerSecond: 4 });
    const headers = { ...async, 'idempotency-key': newKey() };
    const statuses: number[] = [];
    for (let times = 0; times < 10; times += 1) statuses.push((await front.post(body, headers)).status);
    // One order, four joins that are free and two that are not; the next ones are neither.
    expect(statuses).toEqual([202, 202, 202, 202, 202, 202, 202, 429, 429, 429]);
    expect(front.ledger.calls).toMatchObject({ accept: 7, join: 0 });
  });
});

describe('looks', () => {
  it('have a limit as high as that of joins, and apart; beyond it the ledger is not asked', async () => {
    await startWith({ joinsPerSecond: 3 });
    await order();
    const [id = ''] = front.ledger.stored.keys();
    for (let times = 0; times < 3; times += 1) expect((await front.get(id)).status).toBe(200);
    const answer = await front.get(id);
    expect(answer.headers.get('ratelimit-policy')).toBe('"looks";q=3;w=1');
    expect(await told(answer)).toEqual({ status: 429, code: 'rate-limited', fate: undefined });
    expect((await front.delete(id)).status).toBe(429);
    expect(front.ledger.calls).toMatchObject({ read: 3, cancel: 0 });
    expect((await front.get(id, otherApiKey)).status).toBe(404);
    expect((await order()).status).toBe(202);
    await front.clock.advance(1000);
    expect((await front.delete(id)).status).toBe(200);
  });
});

describe('a quota', () => {
  it('counts what is stored: neither joins nor refusals; and lasts for a day from the first', async () => {
    await startWith({ ordersPerDay: 2 });
    const headers = { ...async, 'idempotency-key': newKey() };
    expect((await front.post({ ...body, csr: forgedCsr })).status).toBe(422);
    for (let times = 0; times < 3; times += 1) expect((await front.post(body, headers)).status).toBe(202);
    front.ledger.trouble.accept = 'unavailable';
    expect((await order()).status).toBe(503);
    delete front.ledger.trouble.accept;
    expect((await order()).status).toBe(202);
    await front.clock.advance(3_600_000);
    const answer = await order();
    expect(answer.headers.get('ratelimit-policy')).toBe('"day";q=2;w=86400');
    expect(answer.headers.get('retry-after')).toBe(String(23 * 3600 + 30));
    expect(await told(answer)).toEqual({ status: 429, code: 'quota-exceeded', fate: 'not-issued' });
    expect((await front.post(body, headers)).status).toBe(202);
    await front.clock.advance(23 * 3_600_000);
    expect((await order()).status).toBe(202);
  });
});

it('many keys for one payload: as many orders as the account may have, and nothing worse than 429', async () => {
  await startWith({ ratePerSecond: 50, burst: 100 });
  const send = async () => (await front.post(body, { ...async, 'idempotency-key': newKey() })).status;
  const statuses = await Promise.all(Array.from({ length: 300 }, send));
  expect(statuses.filter((status) => status === 202)).toHaveLength(100);
  expect(statuses.filter((status) => status === 429)).toHaveLength(200);
  expect(front.ledger.stored.size).toBe(100);
});

it('however many join one request, the places of the others are theirs', async () => {
  front = await startFront({ waitersPerRequestMax: 10 });
  const headers = { 'idempotency-key': newKey() };
  const waiting = Array.from({ length: 10 }, () => front.post(body, headers));
  await front.pass(0, 10);
  const [id = ''] = front.ledger.stored.keys();
  const beyond = await Promise.all(Array.from({ length: 20 }, () => front.post(body, headers)));
  for (const answer of beyond) {
    expect(answer.headers.get('location')).toBe(`/identity/${id}`);
    expect(await told(answer)).toEqual({ status: 503, code: 'outcome-unknown', fate: 'unknown' });
  }
  waiting.push(front.post({ ...body, subject_dn: { common_name: 'another' } }));
  await front.pass(0, 11);
  for (const stored of front.ledger.stored.keys()) front.ledger.issue(stored);
  front.waiters.ring([...front.ledger.stored.keys()]);
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(Array(11).fill(201));
});
