import { randomUUID } from 'node:crypto';
import type { Caller, IdentityLedger, QueueFilter, ReceiptState } from '@sluice/ledger';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  acceptMany,
  acceptOne,
  clear,
  codeOf,
  createLedgerFixture,
  dueNow,
  type LedgerFixture,
  newRow,
  type TestSigner,
  untilWaiting,
  whileLocked,
} from './ledger-fixture.js';

// Goal: what operators hold is taken by no claim that starts after it, goes to the shelf, and comes back whole.

let fixture: LedgerFixture;
let front: IdentityLedger;
let signer: TestSigner;
let registry: Caller;

beforeAll(async () => {
  fixture = await createLedgerFixture('holds');
  front = await fixture.identity('front');
  signer = await fixture.signer('signer');
  registry = await fixture.registry.enrol('registry-1');
  await fixture.makeCa('second');
});
afterAll(async () => {
  await fixture?.close();
});
beforeEach(async () => {
  await fixture.sql(
    `do $$ begin set local session_replication_role = replica; delete from registry.receipt_item; delete from registry.receipt; end $$`,
  );
  // However slow the machine: nobody is fenced between two tests.
  await fixture.sql(`update registry.subscriber set lease_until = now() + interval '1 h'`);
  await clear(fixture);
});

const reason = 'test';
const all: QueueFilter = { account: 'demo' };
const park = (filter: QueueFilter = all, more: object = {}): Promise<string> =>
  fixture.registry.holdWork('alice', { verb: 'park', filter, forS: 3600, arriving: false, reason, ...more });

/** Carries it on, as the registry's process does, until a step leaves it in that state. */
async function carryOn(id: string, until: ReceiptState, max = 1000): Promise<number> {
  expect((await fixture.registry.takeReceipts(registry)).map((taken) => taken.id)).toContain(id);
  for (let moved = 0; ; ) {
    const step = await fixture.registry.carryOn(registry, id, { max });
    moved += step.moved;
    if (step.state === until) return moved;
  }
}
const claimed = async (countMax = 64, more = {}): Promise<string[]> =>
  (await signer.claim(countMax, more)).claimed.map(({ requestId }) => requestId);
const places = (
  ids: readonly string[],
): Promise<{ state: string; count: number; receipt: string | null; class: string }[]> =>
  fixture.sql(
    `select p.state, p.class, p.receipt, count(*)::integer as count from (
       select request_id, state, class, null::uuid as receipt from ledger.work union all select request_id, state, class, receipt from ledger.shelf) p
     where p.request_id = any($1::uuid[]) group by 1, 2, 3 order by 1, 2`,
    ids,
  );

describe('a park', () => {
  it('is in force for the next claim, moves what it covers with its receipt, and leaves the rest', async () => {
    const held = await acceptMany(front, 5);
    const [other] = await acceptMany(front, 1, { account: 'other' });
    const id = await park();
    expect(await claimed()).toEqual([other]);
    expect(await claimed(64, { requestIds: held })).toEqual([]);
    expect(await carryOn(id, 'holding')).toBe(5);
    expect(await places(held)).toEqual([{ state: 'parked', class: 'interactive', receipt: id, count: 5 }]);
    expect(await fixture.registry.receipt(id)).toMatchObject({
      verb: 'park',
      operator: 'alice',
      reason,
      matched: 5,
      moved: 5,
    });
    expect(await front.read(held[0] ?? '')).toMatchObject({ state: 'parked' });
  });

  it('catches what still arrives, and what is due before it is moved is parked under the same receipt', async () => {
    await acceptOne(front);
    const id = await park();
    await carryOn(id, 'holding');
    const [late, due] = [await acceptOne(front), await acceptOne(front)];
    expect(await claimed(64, { requestIds: [late.requestId] })).toEqual([]);
    const deadline = await dueNow(fixture, due.requestId);
    expect(await front.decide(due.requestId, deadline, 1000)).toMatchObject({ state: 'parked' });
    expect(await carryOn(id, 'holding')).toBe(1);
    expect(await places([late.requestId, due.requestId])).toEqual([
      { state: 'parked', class: 'interactive', receipt: id, count: 2 },
    ]);
  });

  it('leaves what is being signed to its signer, and holds it when it comes back', async () => {
    const { requestId } = await acceptOne(front);
    const [row] = (await signer.claim(1)).claimed;
    const id = await park(all, { arriving: true });
    expect(await carryOn(id, 'holding')).toBe(0);
    await signer.ledger.release(signer.caller, [{ requestId, attempt: row?.attempt ?? 0, code: 'draining' }]);
    expect(await claimed(64, { requestIds: [requestId] })).toEqual([]);
  });

  it.each<[string, QueueFilter, number]>([
    ['a CA', { ca: 'second' }, 3],
    ['a profile', { profile: 'second-tls' }, 3],
    ['a class', { class: 'async' }, 2],
    ['a lane', { class: 'interactive', keyGroup: 'default' }, 7],
    ['an account and a CA', { account: 'other', ca: 'root' }, 0],
    ['another key group', { keyGroup: 'elsewhere' }, 0],
    ['what arrived long ago', { account: 'demo', olderThanS: 3600 }, 0],
    ['what has arrived', { account: 'demo', olderThanS: -10 }, 9],
  ])('covers %s, by policy and by ids', async (_name, filter, covered) => {
    const ids = [
      ...(await acceptMany(front, 4)),
      ...(await acceptMany(front, 3, { ca: 'second', profile: 'second-tls' })),
      ...(await acceptMany(front, 2, { class: 'async' })),
    ];
    const id = await park(filter, { arriving: true });
    const free = [...(await claimed()), ...(await claimed(64, { class: 'async' }))];
    expect(free).toHaveLength(ids.length - covered);
    expect(await claimed(64, { requestIds: ids })).toEqual([]);
    expect(await carryOn(id, 'holding')).toBe(covered);
  });

  it('of a fraction: two thirds contain one third, and what is not held is claimed past what is', async () => {
    const ids = await acceptMany(front, 60);
    const third = await park({ account: 'demo', fraction: 1 / 3 });
    const moved = await carryOn(third, 'holding');
    const more = await park({ account: 'demo', fraction: 2 / 3 });
    // Half of what is left is held, and not moved yet: it keeps nobody's place.
    expect(await claimed(6)).toHaveLength(6);
    const movedToo = await carryOn(more, 'holding');
    expect(moved).toBeGreaterThan(5);
    expect(movedToo).toBeGreaterThan(5);
    expect(await claimed()).toHaveLength(60 - 6 - moved - movedToo);
    expect(await codeOf(park({ account: 'demo', fraction: 1 / 3 }, { forS: 60 }))).toBe('conflict');
    expect((await places(ids)).map((place) => place.count).reduce((sum, count) => sum + count, 0)).toBe(60);
  });

  it('ends by itself, and what it moved stays until somebody wants it back', async () => {
    const [parked] = await acceptMany(front, 1);
    const id = await park();
    await carryOn(id, 'holding');
    await fixture.sql(`update registry.hold set expires_at = now() where id = $1`, id);
    const { requestId } = await acceptOne(front);
    await carryOn(id, 'ended');
    expect(await claimed()).toEqual([requestId]);
    await fixture.registry.undoHold('alice', id, reason);
    expect(await carryOn(id, 'undone')).toBe(1);
    expect(await claimed(1, { class: 'async' })).toEqual([parked]);
  });
});

describe('an undo', () => {
  it('brings all of it back, as what somebody polls for, with the time that it has left', async () => {
    const ids = await acceptMany(front, 5);
    const id = await park();
    await carryOn(id, 'holding');
    await fixture.registry.undoHold('alice', id, 'a mistake');
    expect(await carryOn(id, 'undone')).toBe(5);
    expect(await fixture.registry.receipt(id)).toMatchObject({ moved: 5, returned: 5 });
    expect(await places(ids)).toEqual([{ state: 'queued', class: 'async', receipt: null, count: 5 }]);
    expect((await claimed(64, { class: 'async' })).sort()).toEqual(ids.sort());
    expect(await codeOf(fixture.registry.undoHold('alice', id, 'again'))).toBe('conflict');
    expect(await codeOf(fixture.registry.undoHold('alice', randomUUID(), 'x'))).toBe('not-found');
  });

  it('leaves to another hold what that one covers', async () => {
    const ids = await acceptMany(front, 3);
    const one = await park({ account: 'demo', ca: 'root' });
    const other = await park({ ca: 'root' }, { forS: 7200 });
    await carryOn(one, 'holding');
    await fixture.registry.undoHold('alice', one, reason);
    expect(await carryOn(one, 'undone')).toBe(0);
    expect(await places(ids)).toEqual([{ state: 'parked', class: 'interactive', receipt: other, count: 3 }]);
  });

  it('before it was moved: nothing is lost', async () => {
    const ids = await acceptMany(front, 3);
    const id = await park();
    await fixture.registry.undoHold('alice', id, reason);
    expect(await carryOn(id, 'undone')).toBe(0);
    expect((await claimed()).sort()).toEqual(ids.sort());
  });
});

describe('a pause of a lane', () => {
  it('ends by itself, and what was due meanwhile comes back then', async () => {
    const { requestId } = await acceptOne(front);
    const id = await park({ class: 'interactive', keyGroup: 'default' }, { verb: 'pause' });
    await fixture.sql('update ledger.work set deadline = now() where request_id = $1', requestId);
    await signer.ledger.sweep(signer.caller);
    expect(await places([requestId])).toMatchObject([{ state: 'parked', receipt: id }]);
    await fixture.sql(`update registry.hold set expires_at = now() where id = $1`, id);
    expect(await carryOn(id, 'undone')).toBe(1);
    expect(await claimed(1, { class: 'async' })).toEqual([requestId]);
  });

  it('keeps its rows where they are, and what is due meanwhile comes back with it', async () => {
    const [waiting, due] = [await acceptOne(front), await acceptOne(front)];
    const filter = { class: 'interactive', keyGroup: 'default' } as const;
    const id = await park(filter, { verb: 'pause' });
    expect(await carryOn(id, 'holding')).toBe(0);
    await dueNow(fixture, due.requestId);
    await fixture.sql('update ledger.work set deadline = now() where request_id = $1', due.requestId);
    await signer.ledger.sweep(signer.caller);
    expect(await places([due.requestId])).toMatchObject([{ state: 'parked', receipt: id }]);
    expect(await claimed()).toEqual([]);
    await fixture.registry.undoHold('alice', id, reason);
    expect(await carryOn(id, 'undone')).toBe(1);
    expect([...(await claimed()), ...(await claimed(1, { class: 'async' }))]).toEqual([
      waiting.requestId,
      due.requestId,
    ]);
  });
});

describe('refuses', () => {
  it.each<[string, QueueFilter, object, string]>([
    ['an unknown CA', { ca: 'nobody' }, {}, 'not-found'],
    ['an unknown profile', { profile: 'nobody' }, {}, 'not-found'],
    ['an unknown account', { account: 'nobody' }, {}, 'not-found'],
    ['what matches nothing', { account: 'third' }, {}, 'conflict'],
    ['a hold for no time', all, { forS: 0 }, 'conflict'],
    ['a fraction of nothing', { ...all, fraction: 0 }, {}, 'conflict'],
    ['more than all', { ...all, fraction: 1.5 }, {}, 'conflict'],
  ])('%s, and nothing is changed', async (_name, filter, more, code) => {
    await acceptOne(front);
    expect(await codeOf(park(filter, more))).toBe(code);
    expect(await fixture.registry.receipts(10)).toEqual([]);
    expect(await claimed()).toHaveLength(1);
  });

  it('a hold within another that lasts longer; and says which', async () => {
    await acceptMany(front, 3);
    const id = await park(all, { forS: 7200 });
    await expect(park({ account: 'demo', ca: 'root' })).rejects.toThrow(id);
    expect(await fixture.registry.receipts(10)).toHaveLength(1);
  });

  it('a second process while the first has the lease, and takes over when it is gone', async () => {
    await acceptMany(front, 2);
    const id = await park();
    expect(await fixture.registry.takeReceipts(registry)).toMatchObject([{ id }]);
    const second = await fixture.registry.enrol('registry-2');
    expect(await fixture.registry.takeReceipts(second)).toEqual([]);
    expect(await codeOf(fixture.registry.carryOn(second, id, { max: 1 }))).toBe('conflict');
    await fixture.sql(`update registry.receipt set lease_until = now() where id = $1`, id);
    expect(await fixture.registry.takeReceipts(second)).toMatchObject([{ id }]);
    expect(await fixture.registry.carryOn(second, id, { max: 1 })).toEqual({ moved: 2, state: 'holding' });
    expect(await codeOf(fixture.registry.carryOn(registry, id, { max: 1 }))).toBe('conflict');
  });

  it('the second of two operators who hold the same at once: one hold, each request moved once', async () => {
    const ids = await acceptMany(front, 3);
    let codes: Promise<(string | undefined)[]> | undefined;
    // Neither gets beyond counting before both are there.
    await whileLocked(fixture, 'ledger.shelf', async () => {
      codes = Promise.all([codeOf(park()), codeOf(park())]);
      await untilWaiting(fixture, 2);
    });
    expect((await codes)?.sort()).toEqual(['conflict', undefined]);
    const [only] = await fixture.registry.receipts(10);
    expect(await carryOn(only?.id ?? '', 'holding')).toBe(3);
    expect(await places(ids)).toMatchObject([{ state: 'parked', count: 3 }]);
  });

  it('not a park where a lane is only paused, since that moves it; but a pause of what is parked', async () => {
    await acceptMany(front, 2);
    const lane: QueueFilter = { class: 'interactive', keyGroup: 'default' };
    await park(lane, { verb: 'pause', forS: 7200 });
    expect(await carryOn(await park(lane), 'holding')).toBe(2);
    expect(await codeOf(park(lane, { verb: 'pause', arriving: true }))).toBe('conflict');
  });
});

it('a claim that began before the hold ends, and the hold waits for it', async () => {
  const { requestId } = await acceptOne(front);
  const claiming = fixture.connect('signer', 1);
  const call = (text: string, ...values: unknown[]) => claiming.call<{ taken: number }>({ name: '', text }, values);
  await call('begin');
  const { name, incarnation } = signer.caller;
  const serials = Array.from({ length: 1 }, () => Buffer.alloc(16, 0x41));
  await call(
    `select cardinality(c.rows) as taken from ledger.claim($1, $2, $3, 'interactive', 'default', 1, null, $4, 'test-1', 10000, null, null) c`,
    name,
    incarnation,
    randomUUID(),
    serials,
  );
  const parking = park(all, { arriving: true });
  const waits = `select from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and not granted`;
  await expect.poll(() => fixture.sql(waits), { interval: 10, timeout: 20_000 }).not.toEqual([]);
  await call('commit');
  await parking;
  expect(await places([requestId])).toMatchObject([{ state: 'signing' }]);
});

it('the act keeps no claim from its CA while it counts', async () => {
  const ids = await acceptMany(front, 2);
  let parking: Promise<unknown> | undefined;
  await whileLocked(fixture, 'ledger.shelf', async () => {
    parking = park().catch(() => undefined); // gives up after 3 s
    await untilWaiting(fixture);
    expect((await claimed()).sort()).toEqual(ids.sort());
  });
  await parking;
});

it('previews what a filter matches, and lists what there is', async () => {
  await acceptMany(front, 3);
  await acceptMany(front, 2, { class: 'background', waitMs: 3_600_000 });
  await front.accept(newRow({ account: 'other' }));
  const [interactive, background] = (await fixture.registry.preview(all)).sort((a, b) =>
    b.class.localeCompare(a.class),
  );
  expect(interactive).toMatchObject({ state: 'queued', class: 'interactive', count: 3, waiting: 3 });
  expect(background).toMatchObject({ state: 'queued', class: 'background', count: 2, waiting: 0 });
  expect(await fixture.registry.queueGroups({}, 10)).toMatchObject([
    { state: 'queued', class: 'interactive', account: 'demo', ca: 'root', profile: 'tls', count: 3 },
    { class: 'background', count: 2 },
    { account: 'other', count: 1 },
  ]);
  expect(await fixture.registry.queueGroups({ account: 'other' }, 10)).toHaveLength(1);
});

it('every act is written down with who, what, why, before and after, and the ledger is in order', async () => {
  const ids = await acceptMany(front, 3);
  const id = await park(all, { reason: 'flood of the 28th' });
  await carryOn(id, 'holding');
  await fixture.registry.undoHold('bob', id, 'over');
  await carryOn(id, 'undone');
  const deeds = await fixture.sql<{ operator: string }>(
    `select operator, kind, reason, detail from registry.deed where subject = $1 order by id`,
    id,
  );
  expect(deeds).toMatchObject([
    {
      operator: 'alice',
      kind: 'queue-park',
      reason: 'flood of the 28th',
      detail: { before: null, after: { account: 'demo' } },
    },
    {
      operator: 'bob',
      kind: 'queue-undo',
      reason: 'over',
      detail: { before: { state: 'holding' }, after: { state: 'undoing' } },
    },
  ]);
  const history = await fixture.registry.why(ids[0] ?? '');
  expect(history?.events.map(({ kind, actor }) => [kind, actor])).toEqual([
    ['parked', 'alice'],
    ['returned', 'alice'],
  ]);
  const [first] = await fixture.sql<{ id: string }>('select min(id::text)::uuid as id from ledger.request');
  const { findings } = await fixture.registry.auditRange({
    from: first?.id ?? '',
    until: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
    requestsMax: 100_000,
  });
  expect(findings.filter(({ found, invariant }) => found > 0 && invariant === 'as-accepted')).toEqual([]);
});
