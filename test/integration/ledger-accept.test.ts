import { createHash, randomBytes } from 'node:crypto';
import type { AcceptResult, AcceptRow, IdentityLedger, Standing } from '@sluice/ledger';
import { createTcpProxy } from '@sluice/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  codeOf,
  completionOf,
  createLedgerFixture,
  type LedgerFixture,
  newRow,
  refusedWith,
  soon,
  type TestSigner,
  untilLocked,
  untilWaiting,
} from './ledger-fixture.js';

// Steps 4 and 10 against a real PostgreSQL: what the front end may do to a request, and what it is told.

let fixture: LedgerFixture;
let front: IdentityLedger;
let otherFront: IdentityLedger;
let signer: TestSigner;
const commits: number[] = [];
const batches: number[] = [];
beforeAll(async () => {
  fixture = await createLedgerFixture('accept');
  front = await fixture.identity('front-1', {
    onAccepted: (rows) => commits.push(rows.length),
    onBatch: (verb, size) => verb === 'accept' && batches.push(size),
  });
  otherFront = await fixture.identity('front-2');
  signer = await fixture.signer('signer-1');
});
afterAll(() => fixture?.close());

function verdicts(results: readonly AcceptResult[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { verdict } of results) sum[verdict] = (sum[verdict] ?? 0) + 1;
  return sum;
}
const hash = (text: string): Uint8Array => createHash('sha256').update(text).digest();
const newKey = (): string => randomBytes(8).toString('hex');

async function accepted(more: Partial<AcceptRow> = {}): Promise<{ requestId: string; deadline: string }> {
  const result = await front.accept(newRow(more));
  if (result.verdict !== 'accepted') throw new Error(`it was ${result.verdict}`);
  return result;
}
const deadlineOf = (standing: Standing | undefined): bigint =>
  standing !== undefined && 'deadline' in standing ? BigInt(standing.deadline) : -1n;
const nowMicros = (): bigint => BigInt(Date.now()) * 1000n;

async function claimIt(requestId: string) {
  const { claimed } = await signer.claim(1, { requestIds: [requestId] });
  const [row] = claimed;
  if (row === undefined) throw new Error('it was not to be claimed');
  return row;
}

/** A hold in force while `work` runs. */
async function whileHeld(hold: { ca?: string; profile?: string }, work: () => Promise<void>): Promise<void> {
  const [row] = await fixture.sql<{ id: string }>(
    `insert into registry.hold (ca, profile, reason, operator, expires_at) values ($1, $2, 'test', 'alice', now() + interval '1 h') returning id`,
    hold.ca ?? null,
    hold.profile ?? null,
  );
  try {
    await work();
  } finally {
    await fixture.sql('update registry.hold set lifted_at = now() where id = $1', row?.id);
  }
}

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
    const first = await accepted({ idempotencyKey: key });
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
    await accepted({ idempotencyKey: key });
    expect(await front.join('other', key, Buffer.alloc(32, 1), 1000)).toBeUndefined();
    expect(await front.accept(newRow({ idempotencyKey: key, account: 'other' }))).toMatchObject({
      verdict: 'accepted',
    });
  });

  it('past its 72 hours is free again, and purged', async () => {
    const [key, unused] = [newKey(), newKey()];
    const first = await accepted({ idempotencyKey: key });
    await accepted({ idempotencyKey: unused });
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
    const second = await accepted({ idempotencyKey: key, payloadHash: hash('other') });
    expect(second.requestId).not.toBe(first.requestId);
    expect(await front.join('demo', key, hash('other'), 1000)).toMatchObject({
      standing: { requestId: second.requestId },
    });
    const [purged] = await fixture.sql<{ count: bigint }>('select ledger.purge_idempotency(10) as count');
    expect(purged?.count).toBe(1n);
  });

  it('whose request expired is reopened by exactly one of several, who name the end they saw', async () => {
    const key = newKey();
    const old = await accepted({ idempotencyKey: key });
    await front.decide(old.requestId, old.deadline, 1000);
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
    const old = await accepted({ idempotencyKey: key });
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
    const first = await accepted({ fingerprint });
    const again = () => front.accept(newRow({ fingerprint, waitMs: 1000 }));
    expect(await again()).toMatchObject({
      verdict: 'joined',
      standing: { requestId: first.requestId, state: 'queued' },
    });
    await whileHeld({ ca: 'root' }, async () => {
      await front.decide(first.requestId, first.deadline, 1000);
    });
    expect(await again()).toMatchObject({
      verdict: 'joined',
      standing: { requestId: first.requestId, state: 'parked' },
    });
    await front.cancel(first.requestId, 'demo');
    expect(await again()).toMatchObject({ verdict: 'accepted' });
  });

  it('an equal request is accepted when the one it was about to join ends at that moment', async () => {
    const fingerprint = randomBytes(32);
    const first = await accepted({ fingerprint });
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
    await accepted({ fingerprint });
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
      const first = await accepted({ idempotencyKey: key, waitMs: 5000 });
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

describe('the end of a wait', () => {
  const ttlMs = 3_600_000;
  const ttlFromNow = (standing: Standing): boolean => {
    const left = deadlineOf(standing) - nowMicros();
    return left > 3_500_000_000n && left < 3_700_000_000n;
  };

  it('queued, at the deadline this waiter knows: expired, none was begun', async () => {
    const { requestId, deadline } = await accepted();
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({ state: 'expired', withheld: false });
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({ state: 'expired' });
    expect((await signer.claim(1, { requestIds: [requestId] })).claimed).toEqual([]);
  });

  it('queued, and somebody else waits longer: it goes on, for its time to live', async () => {
    const { requestId, deadline } = await accepted({ idempotencyKey: 'longer' });
    await front.join('demo', 'longer', Buffer.alloc(32, 1), 120_000);
    const standing = await front.decide(requestId, deadline, ttlMs);
    expect(standing).toMatchObject({ state: 'queued' });
    expect(ttlFromNow(standing)).toBe(true);
  });

  it('two waiters in one batch, of whom one knows the deadline: one fate for both', async () => {
    const { requestId, deadline } = await accepted();
    const both = [front.decide(requestId, '1', ttlMs), front.decide(requestId, deadline, ttlMs)];
    expect((await Promise.all(both)).map(({ state }) => state)).toEqual(['expired', 'expired']);
  });

  it('being signed: it goes on, for its time to live', async () => {
    const { requestId, deadline } = await accepted();
    const row = await claimIt(requestId);
    const standing = await front.decide(requestId, deadline, ttlMs);
    expect(standing).toMatchObject({ state: 'signing', attempt: 1 });
    expect(ttlFromNow(standing)).toBe(true);
    expect(await signer.ledger.complete(signer.caller, [completionOf(row)])).toEqual(['issued']);
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({
      state: 'issued',
      serial: Buffer.from(row.serial),
    });
  });

  it('claimed before, burned, queued again: expired and withheld', async () => {
    const { requestId, deadline } = await accepted();
    await signer.ledger.burn(signer.caller, [{ ...(await claimIt(requestId)), code: 'token-failed' }]);
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({ state: 'expired', withheld: true });
  });

  it('claimed before, released, queued again: expired, none was begun', async () => {
    const { requestId, deadline } = await accepted();
    await signer.ledger.release(signer.caller, [{ ...(await claimIt(requestId)), code: 'draining' }]);
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({ state: 'expired', withheld: false });
  });

  it.each([{ ca: 'root' }, { profile: 'tls' }])('held by %o: parked', async (hold) => {
    const { requestId, deadline } = await accepted();
    await whileHeld(hold, async () => {
      expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({ state: 'parked' });
    });
  });

  it('held by the quarantine of its CA: parked', async () => {
    await fixture.makeCa('sick');
    const { requestId, deadline } = await accepted({ ca: 'sick', profile: 'sick-tls' });
    await fixture.sql(`update registry.ca set quarantined = true where name = 'sick'`);
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({ state: 'parked' });
  });

  it('attempts used up: failed stays', async () => {
    const { requestId, deadline } = await accepted();
    for (let loss = 0; loss < 3; loss += 1)
      await signer.ledger.burn(signer.caller, [{ ...(await claimIt(requestId)), code: 'internal' }]);
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({ state: 'failed' });
  });

  it('rejected stays, with its code', async () => {
    const { requestId, deadline } = await accepted();
    const row = await claimIt(requestId);
    await signer.ledger.reject(signer.caller, [{ ...row, code: 'key-weak', detail: 'too short' }]);
    const standing = { state: 'rejected', code: 'key-weak', detail: 'too short' };
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject(standing);
  });

  it('of a request nobody knows', async () => {
    expect(await codeOf(front.decide(newRow().requestId, '1', ttlMs))).toBe('not-found');
  });
});

describe('cancel', () => {
  it('ends what is queued or shelved, for its account only', async () => {
    const { requestId, deadline } = await accepted();
    expect(await front.cancel(requestId, 'other')).toBeUndefined();
    expect(await front.read(requestId)).toMatchObject({ state: 'queued' });
    await whileHeld({ ca: 'root' }, async () => {
      await front.decide(requestId, deadline, 1000);
    });
    expect(await front.cancel(requestId, 'demo')).toMatchObject({ state: 'cancelled' });
    expect(await front.cancel(requestId, 'demo')).toMatchObject({ state: 'cancelled' });
  });

  it('leaves what is being signed', async () => {
    const { requestId } = await accepted();
    const row = await claimIt(requestId);
    expect(await front.cancel(requestId, 'demo')).toMatchObject({ state: 'signing' });
    await signer.ledger.complete(signer.caller, [completionOf(row)]);
    expect(await front.cancel(requestId, 'demo')).toMatchObject({ state: 'issued' });
  });
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

describe('a connection that breaks', () => {
  it('in the middle of accept: nobody says that nothing was stored', async () => {
    const row = newRow({ idempotencyKey: newKey() });
    const stopped = fixture.sql(`do $$ begin
      lock table ledger.request in exclusive mode;
      while not exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%ledger.accept%') loop
        perform pg_sleep(0.01);
        perform pg_stat_clear_snapshot();
      end loop;
      perform pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%ledger.accept%';
    end $$`);
    const lone = await fixture.identity('front-3', { poolMax: 1 });
    await untilLocked(fixture, 'ledger.request', 'ExclusiveLock');
    expect(await codeOf(lone.accept(row))).toBe('outcome-unknown');
    await stopped;
    // The next call has a new connection, and the same key finds out.
    expect(await lone.accept(row)).toMatchObject({ verdict: 'accepted' });
  });

  it('after the commit and before its answer: unknown, and the same key joins what was stored', async () => {
    const url = new URL(fixture.urlOf('identity-api'));
    const proxy = await createTcpProxy({ target: { host: url.hostname, port: Number(url.port) } });
    url.port = String(proxy.port);
    const far = await fixture.identity('front-4', { url: url.href, poolMax: 1 });
    try {
      const row = newRow({ idempotencyKey: newKey() });
      proxy.halfOpen();
      const answer = codeOf(far.accept(row));
      await expect.poll(() => front.read(row.requestId), soon).toBeDefined();
      proxy.cut();
      expect(await answer).toBe('outcome-unknown');
      // Nobody to connect to: nothing can have been stored.
      expect(await codeOf(far.accept(newRow()))).toBe('unavailable');
      proxy.heal();
      expect(await far.accept({ ...row, requestId: newRow().requestId })).toMatchObject({
        verdict: 'joined',
        requestId: row.requestId,
      });
    } finally {
      await proxy.close();
    }
  });
});

describe('a subscriber', () => {
  const outdate = (name: string): Promise<unknown> =>
    fixture.sql(`update registry.subscriber set lease_until = now() - interval '1 s' where name = $1`, name);

  it('that enrols again fences its older incarnation', async () => {
    const older = await fixture.identity('twin');
    const olderSigner = await fixture.signer('signer-twin');
    const newer = await fixture.identity('twin');
    const newerSigner = await fixture.signer('signer-twin');
    expect(newerSigner.caller.incarnation).toBeGreaterThan(olderSigner.caller.incarnation);
    expect(await codeOf(older.accept(newRow()))).toBe('fenced');
    expect(await codeOf(olderSigner.claim(1))).toBe('fenced');
    expect(await codeOf(olderSigner.ledger.sweep(olderSigner.caller))).toBe('fenced');
    expect(await codeOf(olderSigner.ledger.renew(olderSigner.caller, 1n))).toBe('fenced');
    expect(await codeOf(olderSigner.ledger.claimAgain(olderSigner.caller, crypto.randomUUID()))).toBe('fenced');
    expect(await newer.accept(newRow())).toMatchObject({ verdict: 'accepted' });
    await newerSigner.claim(1);
  });

  it('whose lease ran out neither accepts nor claims, until it renews', async () => {
    const late = await fixture.identity('late');
    const caller = await late.enrol('late');
    const lateSigner = await fixture.signer('signer-late');
    await outdate('late');
    await outdate('signer-late');
    expect(await codeOf(late.accept(newRow()))).toBe('fenced');
    expect(await codeOf(lateSigner.claim(1))).toBe('fenced');
    await late.renew(caller, 7n);
    await lateSigner.ledger.renew(lateSigner.caller, 7n);
    expect(await late.accept(newRow())).toMatchObject({ verdict: 'accepted' });
    await lateSigner.claim(1);
    const [row] = await fixture.sql<{ epoch: bigint; left: number }>(
      `select applied_epoch as epoch, extract(epoch from lease_until - clock_timestamp())::float as left from registry.subscriber where name = 'late'`,
    );
    expect(row?.epoch).toBe(7n);
    expect(row?.left).toBeGreaterThan(28);
    expect(row?.left).toBeLessThanOrEqual(30);
  });

  it('that was fenced does not renew: it enrols', async () => {
    const out = await fixture.identity('out');
    const caller = await out.enrol('out');
    await fixture.sql(`update registry.subscriber set fenced = true where name = 'out'`);
    expect(await codeOf(out.renew(caller, 1n))).toBe('fenced');
    expect(await codeOf(out.accept(newRow()))).toBe('fenced');
    await out.enrol('out');
    expect(await out.accept(newRow())).toMatchObject({ verdict: 'accepted' });
  });

  it('cannot take the name of another service, nor act under it', async () => {
    expect(await codeOf(fixture.identity('signer-1'))).toBe('conflict');
    expect(await codeOf(fixture.signer('front-1'))).toBe('conflict');
    const stranger = await fixture.signer('signer-2');
    const frontCaller = await front.enrol('front-1');
    expect(await codeOf(stranger.claim(1, { caller: frontCaller }))).toBe('fenced');
    // The superuser is no service.
    expect(await refusedWith(fixture.sql(`select registry.enrol('root')`))).toBe('SLX01');
  });
});
