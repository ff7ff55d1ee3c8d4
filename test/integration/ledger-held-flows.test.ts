import type { Database, IdentityLedger } from '@sluice/ledger';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  acceptMany,
  acceptOne,
  compiler,
  createLedgerFixture,
  type LedgerFixture,
  newSerials,
  type TestSigner,
} from './ledger-fixture.js';

// Work that nobody may sign now must not make the rest dear to find: counted in the pages that a claim touches.

const heldCas = Array.from({ length: 50 }, (_, index) => `dead-${index}`);
const accounts = Array.from({ length: 20 }, (_, index) => `account-${index}`);
/** A claim that reads a held row, or goes to each held flow, touches 1,000 of them and more. */
const pagesMax = 900;

let fixture: LedgerFixture;
let front: IdentityLedger;
let signer: TestSigner;
/** One connection, as one of the signer's. */
let session: Database;
beforeAll(async () => {
  fixture = await createLedgerFixture('held');
  front = await fixture.identity('front-1');
  signer = await fixture.signer('signer-1', 1);
  session = fixture.connect('signer', 1);
  // Plans are made while the tables are empty, as those of processes that start on a quiet day.
  await fixture.sql('vacuum analyze ledger.work, ledger.shelf');
  await acceptOne(front);
  await claim();
  await fixture.sql(
    `insert into ledger.work (request_id, class, key_group, account, ca, profile, purpose, fingerprint, state, deadline, accepted_at)
     select gen_random_uuid(), 'interactive', 'default', account, ca, ca || '-tls', 'subscriber', sha256('x'), 'queued', now() + interval '1 hour', now()
     from unnest($1::text[]) ca cross join unnest($2::text[]) account cross join generate_series(1, 3)`,
    heldCas,
    accounts,
  );
  await acceptMany(front, 8);
});
afterAll(() => fixture?.close());

/** Pages touched by a claim of 8 by policy, and how many of them it took. */
async function claim(): Promise<{ pages: number; rows: number }> {
  const taken = async (): Promise<number> =>
    (await fixture.sql(`select from ledger.work where state = 'signing'`)).length;
  const before = await taken();
  const text = `explain (analyze, buffers, timing off, format json)
    select * from ledger.claim($1, $2, gen_random_uuid(), 'interactive', 'default', 8, null, $3::bytea[], $4, 10000, null, null, $5)`;
  const { name, incarnation } = signer.caller;
  const values = [name, incarnation, newSerials(8), compiler, heldCas];
  const [row] = await session.call<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>({ name: '', text }, values);
  const plan = row?.['QUERY PLAN'][0].Plan ?? {};
  const pages = (plan['Shared Hit Blocks'] ?? Number.NaN) + (plan['Shared Read Blocks'] ?? Number.NaN);
  return { pages, rows: (await taken()) - before };
}

it('a claim goes past three thousand rows of a thousand held flows at the price of their fifty CAs', async () => {
  const { pages, rows } = await claim();
  expect(rows).toBe(8);
  expect(pages).toBeLessThan(pagesMax);
});
