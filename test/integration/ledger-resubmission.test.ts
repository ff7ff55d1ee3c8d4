import { createHash, randomBytes } from 'node:crypto';
import type { Caller, IdentityLedger } from '@sluice/ledger';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  acceptMany,
  acceptOne,
  claimIt,
  clear,
  codeOf,
  completionOf,
  createLedgerFixture,
  hold,
  type LedgerFixture,
  newRow,
  type TestSigner,
  untilWaiting,
  whileLocked,
} from './ledger-fixture.js';

// Goal: what comes back from the shelf was checked again, each request once, and what does not come back is listed with
// the reason. Method: each reason is made, and what the resubmission wrote down is compared with where the rows are.

let fixture: LedgerFixture;
let front: IdentityLedger;
let signer: TestSigner;
let registry: Caller;

beforeAll(async () => {
  fixture = await createLedgerFixture('resubmission');
  front = await fixture.identity('front');
  signer = await fixture.signer('signer');
  registry = await fixture.registry.enrol('registry-1');
});
afterAll(async () => {
  await fixture?.close();
});
beforeEach(async () => {
  await fixture.sql(
    `do $$ begin
       set local session_replication_role = replica;
       delete from registry.receipt_item;
       delete from registry.receipt;
       update registry.ca set state = 'active';
       update registry.profile set state = 'enabled';
       update registry.account set state = 'enabled';
     end $$`,
  );
  // However slow the machine: nobody is fenced between two tests.
  await fixture.sql(`update registry.subscriber set lease_until = now() + interval '1 h'`);
  await clear(fixture);
});

const reason = 'test';
async function step(id: string, max = 1000): Promise<{ moved: number; state: string }> {
  await fixture.registry.takeReceipts(registry);
  return fixture.registry.carryOn(registry, id, { max });
}
async function untilDone(id: string): Promise<number> {
  for (let moved = 0; ; ) {
    const next = await step(id);
    moved += next.moved;
    if (next.state === 'done') return moved;
  }
}
/** Parks what is open now and lifts the hold: on the shelf, and nothing is in the way. Returns the receipt. */
async function shelve(account = 'demo'): Promise<string> {
  const act = { verb: 'park', filter: { account }, forS: 3600, arriving: true, reason } as const;
  const id = await fixture.registry.holdWork('alice', act);
  await step(id);
  return id;
}
const resubmit = (source?: string, more: object = {}): Promise<string> =>
  fixture.registry.resubmit('alice', {
    filter: {},
    states: ['parked', 'failed'],
    source,
    ratePerS: 1000,
    reason,
    ...more,
  });
const resultsOf = async (id: string): Promise<Record<string, number>> =>
  Object.fromEntries((await fixture.registry.receiptResults(id)).map(({ result, count }) => [result, count]));
/** As replicas apply changes: without triggers, since this CA is to be active again. */
const setCa = (name: string, state: string): Promise<unknown> =>
  fixture.sql(`do $$ begin
    set local session_replication_role = replica;
    update registry.ca set state = '${state}' where name = '${name}';
  end $$`);
async function claimAll(): Promise<string[]> {
  return (await signer.claim(64, { class: 'background' })).claimed.map(({ requestId }) => requestId);
}

it('brings back what a park moved, into the background with a new deadline, and ends its hold', async () => {
  const ids = await acceptMany(front, 5);
  const parked = await shelve();
  const id = await resubmit(parked);
  expect(await fixture.registry.receipt(parked)).toMatchObject({ state: 'released', holdsUntil: null });
  expect(await untilDone(id)).toBe(5);
  const [row] = await fixture.sql(
    `select count(*)::integer as count from ledger.work where class = 'background' and deadline > now() + interval '23 h'`,
  );
  expect(row).toEqual({ count: 5 });
  await fixture.sql(`update ledger.work set accepted_at = now() - interval '1 h'`);
  expect((await fixture.registry.queue(undefined)).rows[0]?.oldestAgeMs).toBeLessThan(600_000);
  expect((await claimAll()).sort()).toEqual(ids.sort());
  expect(await fixture.registry.receipt(id)).toMatchObject({
    state: 'done',
    matched: 5,
    moved: 5,
    passedOver: 0,
    source: parked,
  });
  expect(await codeOf(resubmit(parked))).toBe('conflict');
  expect(await codeOf(fixture.registry.undoHold('alice', parked, 'too late'))).toBe('conflict');
  expect(await codeOf(fixture.registry.undoHold('alice', id, 'no hold'))).toBe('conflict');
});

it('of what failed: three tries anew, and never a sixth serial', async () => {
  const [lost, used] = await acceptMany(front, 2);
  await fixture.sql(`update ledger.work set lost = 3 where request_id = $1`, lost);
  await fixture.sql(`update ledger.work set lost = 1, burned = 5 where request_id = $1`, used);
  for (const requestId of [lost, used]) await claimIt(signer, requestId ?? '');
  await fixture.sql(`update ledger.work set lease_until = now() - interval '1 s' where state = 'signing'`);
  await signer.ledger.sweep(signer.caller);
  const id = await resubmit(undefined, { states: ['failed'] });
  await untilDone(id);
  expect(await resultsOf(id)).toEqual({ resubmitted: 1, 'serials-used-up': 1 });
  expect(await fixture.sql('select request_id, lost from ledger.work')).toEqual([{ request_id: lost, lost: 0 }]);
});

describe('passes over, with the reason', () => {
  const spki = randomBytes(91);
  it.each<[string, () => Promise<unknown>]>([
    ['account-disabled', () => fixture.registry.setAccountState('alice', 'demo', 'disabled', reason)],
    ['ca-disabled', () => setCa('root', 'disabled')],
    ['ca-destroyed', () => setCa('root', 'destroyed')],
    ['profile-disabled', () => fixture.registry.setProfileState('alice', 'tls', 'disabled', reason)],
    ['held', () => hold(fixture, { ca: 'root' })],
    ['quarantined', () => fixture.sql(`update registry.ca set quarantined = true where name = 'root'`)],
    [
      'key-blocked',
      () => fixture.registry.blockKey('alice', { spkiSha256: createHash('sha256').update(spki).digest(), reason }),
    ],
    [
      'left-shelf',
      async () => {
        const [row] = await fixture.sql<{ id: string }>('select request_id as id from ledger.shelf');
        await front.cancel(row?.id ?? '', 'demo');
      },
    ],
  ])('%s', async (code, make) => {
    await acceptOne(front, { spki });
    const id = await resubmit(await shelve());
    await make();
    expect(await untilDone(id)).toBe(0);
    expect(await resultsOf(id)).toEqual({ [code]: 1 });
    expect(await fixture.registry.receipt(id)).toMatchObject({ passedOver: 1, moved: 0 });
    expect(await fixture.registry.receiptItems(id, code, undefined, 10)).toHaveLength(1);
    expect(await claimAll()).toEqual([]);
  });

  it('what a newer certificate supersedes, and what was asked for again; not what a newer one failed to get', async () => {
    const equals = [randomBytes(32), randomBytes(32), randomBytes(32)] as const;
    for (const fingerprint of equals)
      await acceptOne(front, { fingerprint, idempotencyKey: randomBytes(8).toString('hex') });
    const parked = await shelve();
    const id = await resubmit(parked);
    const again = async (fingerprint: Uint8Array): Promise<string> =>
      (await acceptOne(front, { fingerprint, idempotencyKey: randomBytes(8).toString('hex') })).requestId;
    const [superseding, open, cancelled] = [await again(equals[0]), await again(equals[1]), await again(equals[2])];
    await signer.ledger.complete(signer.caller, [completionOf(await claimIt(signer, superseding))]);
    await front.cancel(cancelled, 'demo');
    expect(await untilDone(id)).toBe(1);
    expect(await resultsOf(id)).toEqual({ superseded: 1, 'asked-again': 1, resubmitted: 1 });
    expect(await front.read(open)).toMatchObject({ state: 'queued' });
  });
});

it('takes so many a step as it may, rests, goes on, and is stopped; the rest stays on the shelf', async () => {
  await acceptMany(front, 9);
  const id = await resubmit(await shelve());
  expect(await step(id, 4)).toEqual({ moved: 4, state: 'running' });
  await fixture.registry.takeReceipts(registry);
  await fixture.registry.carryOn(registry, id, { max: 0, waitsFor: 'interactive work' });
  expect(await fixture.registry.receipt(id)).toMatchObject({ moved: 4, waitsFor: 'interactive work' });
  await fixture.registry.steer('alice', id, 'paused', reason);
  expect(await fixture.registry.takeReceipts(registry)).toEqual([]);
  await fixture.registry.steer('bob', id, 'running', reason);
  expect(await step(id, 2)).toEqual({ moved: 2, state: 'running' });
  await fixture.registry.steer('bob', id, 'stopped', reason);
  expect(await codeOf(fixture.registry.steer('bob', id, 'running', reason))).toBe('conflict');
  expect(await fixture.sql('select count(*)::integer as left from ledger.shelf')).toEqual([{ left: 3 }]);
  expect(await resultsOf(id)).toEqual({ resubmitted: 6, null: 3 });
});

it('the act keeps no claim from its CA while it is written down', async () => {
  await acceptOne(front);
  const parked = await shelve();
  await acceptOne(front, { account: 'other' });
  let writing: Promise<unknown> | undefined;
  await whileLocked(fixture, 'registry.receipt_item', async () => {
    writing = resubmit(parked).catch(() => undefined); // gives up after 3 s
    await untilWaiting(fixture);
    expect((await signer.claim(1)).claimed).toHaveLength(1);
  });
  await writing;
});

it('what is passed over costs none of the pace, and no more comes back than may', async () => {
  const doomed = await acceptMany(front, 6, { account: 'other' });
  const sound = await acceptMany(front, 4);
  await shelve('other');
  await shelve();
  await fixture.sql(`update registry.hold set lifted_at = now()`);
  const id = await resubmit();
  await fixture.registry.setAccountState('alice', 'other', 'disabled', reason);
  expect(await step(id, 2)).toEqual({ moved: 2, state: 'running' });
  expect(await resultsOf(id)).toEqual({ 'account-disabled': doomed.length, resubmitted: 2, null: sound.length - 2 });
  expect(await untilDone(id)).toBe(2);
});

it('two at once take each request once', async () => {
  await acceptMany(front, 5);
  await shelve();
  await fixture.sql(`update registry.hold set lifted_at = now()`);
  const codes = await Promise.all([codeOf(resubmit()), codeOf(resubmit())]);
  expect(codes.sort()).toEqual(['conflict', undefined]);
  const [id] = (await fixture.registry.receipts(1)).map((receipt) => receipt.id);
  expect(await untilDone(id ?? '')).toBe(5);
});

it('what is no longer accepted as equal stays joined: an equal request without a key joins what came back', async () => {
  const fingerprint = randomBytes(32);
  const { requestId } = await acceptOne(front, { fingerprint });
  const id = await resubmit(await shelve());
  expect(await front.accept(newRow({ fingerprint }))).toMatchObject({ verdict: 'joined', requestId });
  await untilDone(id);
  expect(await front.accept(newRow({ fingerprint }))).toMatchObject({ verdict: 'joined', requestId });
});

it.each([[0], [10_001]])('refuses a rate of %s', async (ratePerS) => {
  await acceptOne(front);
  expect(await codeOf(resubmit(await shelve(), { ratePerS }))).toBe('conflict');
});

it('refuses names that there are not, and a shelf without any', async () => {
  expect(await codeOf(resubmit(undefined, { filter: { ca: 'nobody' } }))).toBe('not-found');
  expect(await codeOf(resubmit())).toBe('conflict');
  expect(await codeOf(resubmit('01234567-89ab-7def-8123-456789abcdef'))).toBe('not-found');
});
