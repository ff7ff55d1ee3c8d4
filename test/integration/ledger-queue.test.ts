import type { IdentityLedger } from '@sluice/ledger';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  acceptMany,
  claimNew,
  createLedgerFixture,
  hold,
  type LedgerFixture,
  soon,
  type TestSigner,
} from './ledger-fixture.js';

// What operators are shown of the queue, against rows of every kind.

let fixture: LedgerFixture;
let front: IdentityLedger;
let signer: TestSigner;
beforeAll(async () => {
  fixture = await createLedgerFixture('queue');
  front = await fixture.identity('front-1');
  signer = await fixture.signer('signer-1', 1);
  await fixture.makeCa('bulk');
}, 60_000);
afterAll(() => fixture?.close());

it('counts what is open, held, shelved and accepted since, per class and CA', async () => {
  const { at: before } = await fixture.registry.queue(undefined);
  await claimNew(front, signer);
  await acceptMany(front, 3);
  await acceptMany(front, 2, { account: 'other' });
  const background = { class: 'background', ca: 'bulk', profile: 'bulk-tls', waitMs: 3_600_000 } as const;
  const parked = await acceptMany(front, 2, background);
  await acceptMany(front, 4, { ...background, account: 'third' });
  await hold(fixture, { account: 'other' });
  await fixture.sql(`select ledger.shelve($1::uuid[], 'parked', 'held', 'signer-1', null)`, parked);

  const { at, rows } = await fixture.registry.queue(before);
  expect(rows).toEqual([
    {
      ...{ class: 'background', keyGroup: 'default', ca: 'bulk', queued: 4, signing: 0, held: 0, parked: 2, failed: 0 },
      ...{ accepted: 6, topAccount: 'third', topOpen: 4, oldestAgeMs: expect.any(Number) },
    },
    {
      ...{
        class: 'interactive',
        keyGroup: 'default',
        ca: 'root',
        queued: 5,
        signing: 1,
        held: 2,
        parked: 0,
        failed: 0,
      },
      ...{ accepted: 6, topAccount: 'demo', topOpen: 4, oldestAgeMs: expect.any(Number) },
    },
  ]);
  expect((await fixture.registry.queue(at)).rows.map(({ accepted }) => accepted)).toEqual([0, 0]);
});

it('gives the age of the oldest that may be claimed, not of what is held', async () => {
  const ageOfRoot = async () =>
    (await fixture.registry.queue(undefined)).rows.find(({ ca }) => ca === 'root')?.oldestAgeMs ?? Number.NaN;
  await fixture.sql(`update ledger.work set accepted_at = now() - interval '1 h' where account = 'other'`);
  expect(await ageOfRoot()).toBeLessThan(3_600_000);
  await fixture.sql(`update registry.hold set lifted_at = now()`);
  expect(await ageOfRoot()).toBeGreaterThanOrEqual(3_600_000);
});

it('tells how requests ended, by CA, account and code', async () => {
  const [first, second, third] = await acceptMany(front, 3, { account: 'third' });
  for (const id of [first, second, third]) await front.cancel(id ?? '', 'third');
  const { since, groups } = await fixture.registry.newestEnds();
  expect(groups).toContainEqual({ ca: 'root', account: 'third', state: 'cancelled', code: null, count: 3 });
  const [now] = await fixture.sql<{ now: Date }>('select now()');
  expect((now?.now.getTime() ?? 0) - since.getTime()).toBeGreaterThan(590_000);
});

it('tells which holds are in force', async () => {
  await hold(fixture, { ca: 'bulk', class: 'background', fraction: 0.5 });
  expect(await fixture.registry.holds()).toEqual([
    {
      ...{ ca: 'bulk', profile: null, account: null, class: 'background', keyGroup: null, fraction: 0.5 },
      ...{ arrivedBefore: null, reason: 'test', operator: 'alice', expiresAt: expect.any(Date) },
    },
  ]);
});

it('names the transaction that keeps dead rows, until it ends', async () => {
  const holder = new Client({ connectionString: fixture.adminUrl, application_name: 'forgotten' });
  await holder.connect();
  await holder.query('begin isolation level repeatable read');
  await holder.query('select from ledger.work');
  const watch = () => fixture.registry.vacuumWatch();
  await expect.poll(watch, soon).toEqual({
    deadRows: expect.any(Number),
    oldestTransactionMs: expect.any(Number),
    heldBy: expect.stringMatching(/^\d+, role \S+, program forgotten, idle in transaction$/),
  });
  expect((await watch()).oldestTransactionMs).toBeGreaterThan(0);
  await holder.end();
  await expect.poll(async () => (await watch()).heldBy ?? '', soon).not.toContain('forgotten');
});
