import { randomBytes, randomUUID } from 'node:crypto';
import type { ClaimedRequest, Database, IdentityLedger } from '@sluice/ledger';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { comeAndGo } from './dead-rows.js';
import {
  acceptMany,
  acceptOne,
  claimNew,
  compiler,
  createLedgerFixture,
  type LedgerFixture,
  newSerials,
  type TestSigner,
} from './ledger-fixture.js';

// A transaction that stays open keeps vacuum from everything. What runs often must not walk over what is dead: counted
// in the pages that a statement touches, not in time.

const deadRows = 20_000;
/** A walk over the dead rows of one class touches 1,300 of them and more, and so does a look at all of the table. */
const pagesMax = 800;

let fixture: LedgerFixture;
let front: IdentityLedger;
let signer: TestSigner;
let holder: Client;
/** One connection, as one of the signer's. */
let session: Database;
beforeAll(async () => {
  fixture = await createLedgerFixture('open');
  front = await fixture.identity('front-1');
  signer = await fixture.signer('signer-1', 1);
  session = fixture.connect('signer', 1);
  // Plans are made while the tables are empty, as those of processes that start on a quiet day.
  await fixture.sql('vacuum analyze ledger.work, ledger.shelf');
  await complete(await claimNew(front, signer));
  await acceptOne(front);
  await claim('interactive');
  await sweep();
  holder = new Client({ connectionString: fixture.adminUrl });
  await holder.connect();
  await holder.query('begin isolation level repeatable read');
  await holder.query('select from ledger.work');
  // by a connection of its own, which has no statement timeout
  const traffic = new Client({ connectionString: fixture.adminUrl });
  await traffic.connect();
  await traffic.query(comeAndGo(deadRows, 'interactive'));
  await traffic.query(comeAndGo(deadRows, 'async'));
  await traffic.end();
}, 120_000);
afterAll(async () => {
  await holder?.end();
  await fixture?.close();
});

/** Pages touched by that statement of the signer, triggers and functions and all. */
async function pages(text: string, ...values: unknown[]): Promise<number> {
  const statement = { name: '', text: `explain (analyze, buffers, timing off, format json) ${text}` };
  const [row] = await session.call<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(statement, values);
  const plan = row?.['QUERY PLAN'][0].Plan ?? {};
  return (plan['Shared Hit Blocks'] ?? Number.NaN) + (plan['Shared Read Blocks'] ?? Number.NaN);
}

const complete = (row: ClaimedRequest): Promise<number> =>
  pages(
    'select * from ledger.complete($1, $2::uuid[], $3::integer[], $4::bytea[], $5::timestamptz[], $6::timestamptz[], $7::bytea[])',
    signer.caller.name,
    [row.requestId],
    [row.attempt],
    [Buffer.from(row.serial)],
    [row.notBefore],
    [new Date(row.notBefore.getTime() + 600_000)],
    [randomBytes(300)],
  );

const claim = (requestClass: 'interactive' | 'async'): Promise<number> =>
  pages(
    `select * from ledger.claim($1, $2, $3, $4, 'default', 8, null, $5::bytea[], $6, 10000, null, null)`,
    signer.caller.name,
    signer.caller.incarnation,
    randomUUID(),
    requestClass,
    newSerials(8).map((serial) => Buffer.from(serial)),
    compiler,
  );

const sweep = (): Promise<number> =>
  pages('select * from ledger.sweep($1, $2)', signer.caller.name, signer.caller.incarnation);

const isSigning = async (ids: readonly string[]): Promise<boolean> =>
  (await fixture.sql(`select from ledger.work where request_id = any($1) and state = 'signing'`, ids)).length ===
  ids.length;

it('a certificate is stored', async () => {
  expect(await complete(await claimNew(front, signer))).toBeLessThan(pagesMax);
});

/**
 * The fewest pages of some claims. One looks at all when the last that did is twenty times its own time ago, which on a
 * busy machine may be several in a row; and one that comes first after new statistics reads the catalog too.
 */
async function fewestPages(requestClass: 'interactive' | 'async', waitMs: number): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 30 && fewest >= pagesMax; round += 1) {
    const ids = await acceptMany(front, 5, { class: requestClass, waitMs });
    fewest = Math.min(fewest, await claim(requestClass));
    expect(await isSigning(ids)).toBe(true);
  }
  return fewest;
}

it('interactive work is claimed', async () => {
  expect(await fewestPages('interactive', 60_000)).toBeLessThan(pagesMax);
});

it('async work is claimed, after a look at all', async () => {
  await acceptOne(front, { class: 'async', waitMs: 86_400_000 });
  await claim('async');
  expect(await fewestPages('async', 86_400_000)).toBeLessThan(pagesMax);
});

it('and what lies before the head found last is found by the next look at all', async () => {
  const early = await acceptOne(front, { class: 'async', waitMs: 3_600_000 });
  const found = async () => {
    await claim('async');
    return isSigning([early.requestId]);
  };
  await expect.poll(found, { interval: 200, timeout: 30_000 }).toBe(true);
});

it('what is overdue is swept, after a look at everything', async () => {
  await sweep();
  const overdue = await acceptOne(front);
  await fixture.sql(`update ledger.work set deadline = now() where request_id = $1`, overdue.requestId);
  expect(await sweep()).toBeLessThan(pagesMax);
  expect(await front.read(overdue.requestId)).toMatchObject({ state: 'expired' });
});

it('what fell due long ago is swept by the next look at everything', async () => {
  const overdue = await acceptOne(front);
  await fixture.sql(
    `update ledger.work set deadline = now() - interval '1 h' where request_id = $1`,
    overdue.requestId,
  );
  await fixture.sql(`update ledger.sweep_mark set looked_at = looked_at - interval '20 s'`);
  await sweep();
  expect(await front.read(overdue.requestId)).toMatchObject({ state: 'expired' });
});

it('the lanes are counted by one, seldom', async () => {
  await acceptOne(front);
  const { lanes: before } = await front.readLoad();
  await fixture.sql('update ledger.lane_count set counted_at = clock_timestamp()');
  expect(await pages('select * from ledger.lane_loads()')).toBeLessThan(pagesMax);
  const lane = { class: 'interactive', keyGroup: 'default' };
  const counted = before.find((load) => load.class === lane.class)?.queued ?? Number.NaN;
  await acceptOne(front);
  const recount = async () => (await front.readLoad()).lanes.find((load) => load.class === lane.class)?.queued;
  await expect.poll(recount, { interval: 200, timeout: 30_000 }).toBe(counted + 1);
});
