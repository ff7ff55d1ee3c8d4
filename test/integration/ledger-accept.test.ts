import { createHash, randomBytes } from 'node:crypto';
import type { AcceptResult, AcceptRow, IdentityLedger, Standing } from '@sluice/ledger';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  acceptOne,
  createLedgerFixture,
  dueNow,
  hold,
  type LedgerFixture,
  liftHolds,
  newRow,
  untilLocked,
  untilWaiting,
} from './ledger-fixture.js';

// Step 4 against a real PostgreSQL: accepted once, joined ever after, and one bad row harms only itself.

let fixture: LedgerFixture;
let front: IdentityLedger;
let otherFront: IdentityLedger;
const commits: number[] = [];
const batches: number[] = [];
beforeAll(async () => {
  fixture = await createLedgerFixture('accept');
  front = await fixture.identity('front-1', {
    onAccepted: (rows) => commits.push(rows.length),
    onBatch: (verb, size) => verb === 'accept' && batches.push(size),
  });
  otherFront = await fixture.identity('front-2');
});
afterEach(() => liftHolds(fixture));
afterAll(() => fixture?.close());

function verdicts(results: readonly AcceptResult[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { verdict } of results) sum[verdict] = (sum[verdict] ?? 0) + 1;
  return sum;
}
const hash = (text: string): Uint8Array => createHash('sha256').update(text).digest();
const newKey = (): string => randomBytes(8).toString('hex');
const deadlineOf = (standing: Standing | undefined): bigint =>
  standing !== undefined && 'deadline' in standing ? BigInt(standing.deadline) : -1n;

it('keeps what showed that the sender has the key: a CSR, or nonce and signature', async () => {
  const csr = randomBytes(200);
  const proof = { nonce: 'abc-_1', signature: 'c2ln"\\,{}' };
  const [byCsr, byProof] = await Promise.all([
    acceptOne(front, { evidence: { csr } }),
    acceptOne(front, { evidence: { proof } }),
  ]);
  const stored = (id: string) => fixture.sql('select csr, proof from ledger.request where id = $1', id);
  expect(await stored(byCsr.requestId)).toEqual([{ csr, proof: null }]);
  expect(await stored(byProof.requestId)).toEqual([{ csr: null, proof }]);
});

describe('a key', () => {
  it('sent 50 times at once over two front ends is accepted once, and 49 join', async () => {
    const key = newKey();
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        (index % 2 ? front : otherFront).accept(newRow({ idempotencyKey: key })),
      ),
    );
    expect(verdicts(results)).toEqual({ accepted: 1, joined: 49 });
    const ids = new Set(results.map((result) => ('requestId' in result ? result.requestId : '')));
    expect(ids.size).toBe(1);
    const stored = await fixture.sql('select from ledger.request where idempotency_key = $1', key);
    expect(stored).toHaveLength(1);
  });

  it('with another payload is refused, by accept and by join', async () => {
    const key = newKey();
    const first = await acceptOne(front, { idempotencyKey: key });
    const other = await front.accept(newRow({ idempotencyKey: key, payloadHash: hash('other') }));
    expect(other).toEqual({ verdict: 'payload-mismatch' });
    expect(await front.join('demo', key, hash('other'), 1000)).toMatchObject({ samePayload: false });
    expect(await front.join('demo', key, Buffer.alloc(32, 1), 1000)).toMatchObject({
      samePayload: true,
      standing: { requestId: first.requestId, state: 'queued' },
    });
    expect(deadlineOf(await front.read(first.requestId))).toBe(BigInt(first.deadline));
  });

  it('of another account is another key', async () => {
    const key = newKey();
    await acceptOne(front, { idempotencyKey: key });
    expect(await front.join('other', key, Buffer.alloc(32, 1), 1000)).toBeUndefined();
    expect(await front.accept(newRow({ idempotencyKey: key, account: 'other' }))).toMatchObject({
      verdict: 'accepted',
    });
  });

  it('past its 72 hours is free again, and purged', async () => {
    const [key, unused] = [newKey(), newKey()];
    const first = await acceptOne(front, { idempotencyKey: key });
    await acceptOne(front, { idempotencyKey: unused });
    const [row] = await fixture.sql<{ hours: string }>(
      'select round(extract(epoch from expires_at - created_at) / 3600)::text as hours from ledger.idempotency where key = $1',
      key,
    );
    expect(row?.hours).toBe('72');
    await fixture.sql(`update ledger.idempotency set expires_at = now() - interval '1 s' where key = any($1)`, [
      key,
      unused,
    ]);
    expect(await front.join('demo', key, Buffer.alloc(32, 1), 1000)).toBeUndefined();
    const second = await acceptOne(front, { idempotencyKey: key, payloadHash: hash('other') });
    expect(second.requestId).not.toBe(first.requestId);
    expect(await front.join('demo', key, hash('other'), 1000)).toMatchObject({
      standing: { requestId: second.requestId },
    });
    const [purged] = await fixture.sql<{ count: bigint }>('select ledger.purge_idempotency(10) as count');
    expect(purged?.count).toBe(1n);
  });

  it('whose request expired is reopened by exactly one of several, who name the end they saw', async () => {
    const key = newKey();
    const old = await acceptOne(front, { idempotencyKey: key });
    await front.decide(old.requestId, await dueNow(fixture, old.requestId), 1000);
    // Without naming it: the end is replayed.
    expect(await front.accept(newRow({ idempotencyKey: key }))).toMatchObject({
      verdict: 'joined',
      standing: { state: 'expired' },
    });
    const retry = (index: number, more: Partial<AcceptRow> = {}) =>
      (index % 2 ? front : otherFront).accept(newRow({ idempotencyKey: key, reopens: old.requestId, ...more }));
    expect(await retry(0, { payloadHash: hash('other') })).toEqual({ verdict: 'payload-mismatch' });
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => retry(index)));
    expect(verdicts(results)).toEqual({ accepted: 1, joined: 19 });
    const ids = new Set(results.map((result) => ('requestId' in result ? result.requestId : '')));
    expect(ids.size).toBe(1);
    expect(ids).not.toContain(old.requestId);
    expect(await front.read(old.requestId)).toMatchObject({ state: 'expired' });
    // Too late: the old end is not the key's any more.
    expect(await retry(0)).toMatchObject({ verdict: 'joined', requestId: [...ids][0] });
  });

  it('whose request ended otherwise is not reopened', async () => {
    const key = newKey();
    const old = await acceptOne(front, { idempotencyKey: key });
    await front.cancel(old.requestId, 'demo');
    expect(await front.accept(newRow({ idempotencyKey: key, reopens: old.requestId }))).toMatchObject({
      verdict: 'joined',
      standing: { requestId: old.requestId, state: 'cancelled' },
    });
  });
});

describe('without a key', () => {
  it('an equal request joins while the first is open or shelved, and not after its end', async () => {
    const fingerprint = randomBytes(32);
    const first = await acceptOne(front, { fingerprint });
    const again = () => front.accept(newRow({ fingerprint, waitMs: 1000 }));
    expect(await again()).toMatchObject({
      verdict: 'joined',
      standing: { requestId: first.requestId, state: 'queued' },
    });
    await hold(fixture, { ca: 'root' });
    await front.decide(first.requestId, await dueNow(fixture, first.requestId), 1000);
    expect(await again()).toMatchObject({
      verdict: 'joined',
      standing: { requestId: first.requestId, state: 'parked' },
    });
    await front.cancel(first.requestId, 'demo');
    expect(await again()).toMatchObject({ verdict: 'accepted' });
  });

  it('an equal one is found and joined without accepting anything, by its own account alone', async () => {
    const fingerprint = randomBytes(32);
    expect(await front.joinEqual('demo', fingerprint, 1000)).toBeUndefined();
    const first = await acceptOne(front, { fingerprint, waitMs: 1000 });
    const [joined, ofAnother] = await Promise.all([
      otherFront.joinEqual('demo', fingerprint, 60_000),
      otherFront.joinEqual('other', fingerprint, 60_000),
    ]);
    expect(joined).toMatchObject({ requestId: first.requestId, state: 'queued' });
    expect(deadlineOf(joined)).toBeGreaterThan(BigInt(first.deadline));
    expect(ofAnother).toBeUndefined();
    await front.cancel(first.requestId, 'demo');
    expect(await front.joinEqual('demo', fingerprint, 1000)).toBeUndefined();
  });

  it('an equal request is accepted when the one it was about to join ends at that moment', async () => {
    const fingerprint = randomBytes(32);
    const first = await acceptOne(front, { fingerprint });
    // Stops the second between its look at the fingerprint and its own row, until the first has ended.
    const stopped = fixture.sql(`do $$ begin
      lock table ledger.request in exclusive mode;
      while not exists (select from ledger.outcome o where o.request_id = '${first.requestId}') loop perform pg_sleep(0.01); end loop;
    end $$`);
    await untilLocked(fixture, 'ledger.request', 'ExclusiveLock');
    const rows = [newRow({ fingerprint }), newRow()];
    const results = Promise.all(rows.map((row) => front.accept(row)));
    await untilWaiting(fixture);
    await otherFront.cancel(first.requestId, 'demo');
    await stopped;
    expect(await results).toMatchObject(rows.map(({ requestId }) => ({ verdict: 'accepted', requestId })));
  });

  it('a keyed twin of an open request is a request of its own', async () => {
    const fingerprint = randomBytes(32);
    await acceptOne(front, { fingerprint });
    expect(await front.accept(newRow({ fingerprint, idempotencyKey: newKey() }))).toMatchObject({
      verdict: 'accepted',
    });
  });
});

describe('a join', () => {
  it.each(['join', 'accept'] as const)(
    'by %s moves the deadline to the later one, never to an earlier one',
    async (verb) => {
      const key = newKey();
      const first = await acceptOne(front, { idempotencyKey: key, waitMs: 5000 });
      const join = async (waitMs: number): Promise<Standing | undefined> => {
        if (verb === 'join') return (await front.join('demo', key, Buffer.alloc(32, 1), waitMs))?.standing;
        const result = await front.accept(newRow({ idempotencyKey: key, waitMs }));
        return result.verdict === 'joined' ? result.standing : undefined;
      };
      expect(deadlineOf(await join(1000))).toBe(BigInt(first.deadline));
      const later = deadlineOf(await join(60_000));
      expect(later - BigInt(first.deadline)).toBeGreaterThan(50_000_000n);
      expect(deadlineOf(await front.read(first.requestId))).toBe(later);
    },
  );
});

describe('a batch', () => {
  it('is told once per commit, with the rows that shared it', async () => {
    commits.length = 0;
    batches.length = 0;
    const results = await Promise.all(Array.from({ length: 64 }, () => front.accept(newRow())));
    expect(verdicts(results)).toEqual({ accepted: 64 });
    expect(batches).toEqual([64]);
    expect(commits).toEqual([64]);
  });

  it.each([
    ['a NUL in its text', { content: 'a\u0000b' }],
    ['a NUL in its key', { idempotencyKey: 'a\u0000b' }],
    ['a class that does not exist', { class: 'whenever' as AcceptRow['class'] }],
    ['an id that is none', { requestId: 'none' }],
  ])('of 64 with one row that PostgreSQL refuses for %s accepts the other 63', async (_, fault) => {
    commits.length = 0;
    const results = await Promise.allSettled(
      Array.from({ length: 64 }, (_, index) => front.accept(newRow(index === 37 ? fault : {}))),
    );
    expect(results.flatMap((result, index) => (result.status === 'rejected' ? [index] : []))).toEqual([37]);
    expect(results[37]).toMatchObject({ reason: { code: 'internal' } });
    expect(commits.reduce((sum, rows) => sum + rows, 0)).toBe(63);
  });
});
