import { randomBytes, randomUUID } from 'node:crypto';
import { createBreakers } from '@sluice/breaker';
import type { IdentityLedger } from '@sluice/ledger';
import { createMetrics } from '@sluice/telemetry';
import { createTcpProxy } from '@sluice/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  codeOf,
  createLedgerFixture,
  type LedgerFixture,
  newRow,
  refusedWith,
  soon,
  untilLocked,
} from './ledger-fixture.js';

// Who may speak to the ledger, and what it says when the wire breaks.

let fixture: LedgerFixture;
let front: IdentityLedger;
beforeAll(async () => {
  fixture = await createLedgerFixture('subscriber');
  front = await fixture.identity('front-1');
  await fixture.signer('signer-1');
});
afterAll(() => fixture?.close());

const newKey = (): string => randomBytes(8).toString('hex');

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
    expect(await codeOf(olderSigner.ledger.claimAgain(olderSigner.caller, randomUUID()))).toBe('fenced');
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

  it('hears the ledger’s clock with each renewal, and leaves its report; one that is too long costs no lease', async () => {
    const told = await fixture.identity('told');
    const caller = await told.enrol('told');
    const report = async () =>
      (await fixture.sql<{ reported: unknown }>(`select reported from registry.subscriber where name = 'told'`))[0]
        ?.reported;
    const [before] = await fixture.sql<{ now: Date }>('select clock_timestamp() as now');
    const heard = await told.renew(caller, 1n, { ready: true });
    const [after] = await fixture.sql<{ now: Date }>('select clock_timestamp() as now');
    expect(heard.getTime()).toBeGreaterThanOrEqual(before?.now.getTime() ?? Number.NaN);
    expect(heard.getTime()).toBeLessThanOrEqual(after?.now.getTime() ?? Number.NaN);
    expect(await report()).toEqual({ ready: true });
    await told.renew(caller, 1n, { ready: 'x'.repeat(4000) });
    expect(await report()).toBeNull();
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
    expect(await refusedWith(fixture.sql(`select registry.enrol('root', 0)`))).toBe('SLX01');
  });
});

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const newBreakers = () => createBreakers({ metrics: createMetrics('test'), log: silent });

describe('the breaker of a ledger', () => {
  it('closes again when there is no room for new connections, but those there are answer', async () => {
    const breakers = newBreakers();
    const crowded = await fixture.identity('crowded', { breakers });
    const role = `"${fixture.database}_identity_api"`;
    await fixture.sql(`alter role ${role} connection limit 0`);
    try {
      let code: string | undefined;
      await expect
        .poll(async () => {
          // More at once than there are connections: one is served, the others would need new ones.
          const calls = Array.from({ length: 6 }, () => codeOf(crowded.readLoad()));
          code = (await Promise.all(calls)).find((said) => said !== undefined);
          return breakers.states().ledger;
        }, soon)
        .not.toBe('closed');
      expect(code).toBe('unavailable');
      await expect.poll(() => breakers.states().ledger, soon).toBe('closed');
      expect(await codeOf(crowded.readLoad())).toBeUndefined();
    } finally {
      await fixture.sql(`alter role ${role} connection limit -1`);
    }
  });
});

// Each of these waits for some seconds for what must not come, or comes late: side by side.
describe.concurrent('the breaker of a ledger that is slow', () => {
  it('does not open when all connections are busy: a slow ledger is not away', async ({ expect }) => {
    const breakers = newBreakers();
    const busy = fixture.connect('identity-api', 1, breakers);
    const call = (text: string) => busy.call({ name: '', text }, []);
    const slow = call('select pg_sleep(4)');
    const others = await Promise.all(Array.from({ length: 5 }, () => codeOf(call('select 1'))));
    expect(new Set(others)).toEqual(new Set(['unavailable']));
    expect(breakers.states().ledger).toBe('closed');
    await slow;
  });

  it('does not open for lock timeouts: they are answers', async ({ expect }) => {
    const breakers = newBreakers();
    const blocked = await fixture.identity('blocked', { breakers });
    const caller = await blocked.enrol('blocked');
    const holder = fixture.connect('issuer-registry', 1);
    const onHolder = (text: string) => holder.call({ name: '', text }, []);
    await onHolder(`select pg_advisory_lock(hashtextextended('sluice:subscriber:blocked', 0))`);
    try {
      const codes = await Promise.all(Array.from({ length: 5 }, () => codeOf(blocked.renew(caller, 1n))));
      expect(new Set(codes)).toEqual(new Set(['unavailable']));
      expect(breakers.states().ledger).toBe('closed');
    } finally {
      await onHolder('select pg_advisory_unlock_all()');
    }
    await blocked.renew(caller, 1n);
  });
});

describe.concurrent('a wire that swallows everything', () => {
  async function farLedger(name: string) {
    const url = new URL(fixture.urlOf('identity-api'));
    const proxy = await createTcpProxy({ target: { host: url.hostname, port: Number(url.port) } });
    url.port = String(proxy.port);
    const breakers = newBreakers();
    const ledger = await fixture.identity(name, { url: url.href, poolMax: 4, breakers });
    // Several connections, all idle now.
    await Promise.all(Array.from({ length: 8 }, () => ledger.readLoad()));
    return { proxy, breakers, ledger };
  }

  it('is noticed before an answer counts as lost: whoever waits is told, whoever comes is refused at once', async ({
    expect,
  }) => {
    const { proxy, breakers, ledger } = await farLedger('swallowed');
    try {
      proxy.blackHole();
      const error: unknown = await ledger.readLoad().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'outcome-unknown',
        cause: { message: expect.stringContaining('terminated') },
      });
      expect(breakers.states().ledger).not.toBe('closed');
      await expect(ledger.readLoad()).rejects.toMatchObject({ code: 'unavailable' });
      proxy.heal();
      await expect.poll(() => codeOf(ledger.readLoad()), soon).toBeUndefined();
    } finally {
      await proxy.close();
    }
  });

  it('and forgets its connections costs one lost answer, not one for each connection', async ({ expect }) => {
    const { proxy, ledger } = await farLedger('forgotten');
    try {
      proxy.forget();
      expect(await codeOf(ledger.readLoad())).toBe('outcome-unknown');
      for (let calls = 0; calls < 4; calls += 1) expect(await codeOf(ledger.readLoad())).toBeUndefined();
    } finally {
      await proxy.close();
    }
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
