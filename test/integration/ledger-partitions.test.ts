import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { createDatabase as connect, type IdentityLedger, migrate, newRequestId } from '@sluice/ledger';
import { createDatabase } from '@sluice/local-stack';
import { sharedPostgres } from '@sluice/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  completionOf,
  createLedgerFixture,
  type LedgerFixture,
  newRow,
  openLedgerFixture,
  refusedWith,
  type TestSigner,
  untilWaiting,
} from './ledger-fixture.js';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const weekMs = 7 * dayMs;

const migrations = readdirSync(new URL('../../packages/ledger/migrations', import.meta.url))
  .map((file) => file.replace('.sql', ''))
  .sort();

describe('migrations', () => {
  it('run twice at once make the database once, and a third run finds nothing to do', async () => {
    const adminUrl = await createDatabase(await sharedPostgres(), 'migrate');
    const both = await Promise.all([migrate(adminUrl), migrate(adminUrl)]);
    const made = both.flatMap((run) => run.made);
    expect(made.sort()).toEqual(migrations);
    expect(await migrate(adminUrl)).toEqual({ made: [] });
  });

  it('take an older version with requests in it forward, and they go on', async () => {
    const adminUrl = await createDatabase(await sharedPostgres(), 'older');
    expect((await migrate(adminUrl, { to: 7 })).made).toHaveLength(7);
    const admin = connect({ url: adminUrl, poolMax: 1 });
    const requestId = newRequestId(Date.now());
    await admin.call({ name: '', text: oldRows(requestId) }, []);
    await admin.close();
    expect((await migrate(adminUrl)).made).toEqual(migrations.slice(7));
    const fixture = await openLedgerFixture(adminUrl);
    try {
      const signer = await fixture.signer('signer-1');
      expect((await signer.claim(8, { class: 'async' })).claimed).toMatchObject([{ requestId, attempt: 1 }]);
      const done = { requestId, attempt: 1, spki: randomBytes(50) };
      expect(await signer.ledger.completeGenerate(signer.caller, done)).toBe('issued');
      expect(await fixture.registry.why(requestId)).toMatchObject({ standing: { state: 'issued' } });
    } finally {
      await fixture.close();
    }
  });

  /** A CA that is being made and the work on its key, as the seventh migration left the tables. */
  const oldRows = (requestId: string): string => `do $$ begin
    insert into registry.ca (name, key_group, state, key_algorithm, subject, subject_der, issuer, certificate_profile, epoch)
    values ('old', 'default', 'pending', 'ec-p256', '{}', '\\x01', 'old', 'none', 1);
    insert into ledger.request (id, account, ca, key_group, class, purpose, subject_ca, content, spki, csr, fingerprint, payload_hash, accepted_by, accepted_at)
    values ('${requestId}', '-registry', 'old', 'default', 'async', 'generate', 'old', '{}', '', '', '\\x01', '\\x01', 'then', now());
    insert into ledger.work (request_id, class, key_group, account, ca, purpose, fingerprint, state, deadline, accepted_at)
    values ('${requestId}', 'async', 'default', '-registry', 'old', 'generate', '\\x01', 'queued', now() + interval '1 h', now());
  end $$`;
});

describe('partitions', () => {
  let fixture: LedgerFixture;
  let identity: IdentityLedger;
  let signer: TestSigner;
  beforeAll(async () => {
    fixture = await createLedgerFixture('partitions');
    identity = await fixture.identity('front-1');
    signer = await fixture.signer('signer-1');
  });
  afterAll(() => fixture?.close());

  const make = (days: number, now: Date): Promise<string[]> =>
    fixture
      .sql<{ name: string }>('select ledger.make_partitions($1, $2) as name', days, now)
      .then((rows) => rows.map(({ name }) => name));
  const watch = async (now: Date): Promise<{ days: number; inDefault: number }> => {
    const text = 'select days_ahead as days, rows_in_default::integer as "inDefault" from ledger.partition_watch($1)';
    const [row] = await fixture.sql<{ days: number; inDefault: number }>(text, now);
    return row ?? { days: -1, inDefault: -1 };
  };
  const acceptAt = async (atMs: number): Promise<string> => {
    const requestId = newRequestId(atMs);
    await identity.accept(newRow({ requestId }));
    return requestId;
  };
  /** Where a request row lies. */
  const partitionOf = async (requestId: string): Promise<string> => {
    const text = `select tableoid::regclass::text as partition from ledger.request where id = $1`;
    const [row] = await fixture.sql<{ partition: string }>(text, requestId);
    return row?.partition ?? 'nowhere';
  };
  const counts = async (): Promise<object | undefined> => {
    const count = (table: string) => `(select count(*)::integer from ledger.${table}) as ${table}`;
    const [row] = await fixture.sql<object>(
      `select ${['request', 'outcome', 'certificate', 'event'].map(count).join(', ')}`,
    );
    return row;
  };

  it('are there for at least 14 days', async () => {
    expect(await watch(new Date())).toMatchObject({ inDefault: 0 });
    expect((await watch(new Date())).days).toBeGreaterThanOrEqual(14);
  });

  it('take ids from clocks one hour off, on both sides of a week and at its very border', async () => {
    // Half past midnight on a Monday, 15 weeks from now. (1970 began on a Thursday.)
    const mondayMs = Math.ceil((Date.now() + 15 * weekMs) / weekMs) * weekMs + 4 * dayMs;
    const now = new Date(mondayMs + hourMs / 2);
    await make(7, now);
    const partitions = new Map<number, string>();
    for (const offMs of [-hourMs / 2, -1, 0, 1, 1.5 * hourMs])
      partitions.set(offMs, await partitionOf(await acceptAt(mondayMs + offMs)));
    expect(partitions.get(0)).toMatch(/request_\d{4}w\d\d$/);
    expect(partitions.get(1)).toBe(partitions.get(0));
    expect(partitions.get(1.5 * hourMs)).toBe(partitions.get(0));
    expect(partitions.get(-1)).not.toBe(partitions.get(0));
    expect(partitions.get(-hourMs / 2)).toBe(partitions.get(-1));
    expect((await watch(now)).inDefault).toBe(0);
  });

  it('are made up for after 60 idle days: what fell into the default ones moves, and goes on', async () => {
    const thenMs = Date.now() + 60 * dayMs;
    const then = new Date(thenMs);
    // Every week of the gap, the present one, and one that was signed and one that was released meanwhile.
    const ids: string[] = [];
    for (let atMs = Date.now() + 30 * dayMs; atMs <= thenMs; atMs += 5 * dayMs) ids.push(await acceptAt(atMs));
    const { claimed } = await signer.claim(2, { requestIds: ids.slice(0, 2) });
    const [signed, released] = claimed;
    if (signed === undefined || released === undefined) throw new Error('nothing was to be claimed');
    await signer.ledger.complete(signer.caller, [completionOf(signed)]);
    await signer.ledger.release(signer.caller, [{ ...released, code: 'draining' }]);
    expect(await Promise.all(ids.map(partitionOf))).toEqual(ids.map(() => 'ledger.request_default'));
    const farFuture = await acceptAt(thenMs + 5 * 365 * dayMs);
    const before = await counts();
    const standings = await Promise.all(ids.map((id) => identity.read(id)));
    // The alarm: no week ahead of today's, and rows that wait.
    expect(await watch(then)).toEqual({ days: 0, inDefault: ids.length + 1 + 3 });

    // Two registries notice at once.
    const made = await Promise.all([make(14, then), make(14, then)]);
    expect(new Set(made.flat()).size).toBe(made.flat().length);
    expect(made.flat().length).toBeGreaterThan(0);

    expect(await counts()).toEqual(before);
    expect(await Promise.all(ids.map((id) => identity.read(id)))).toEqual(standings);
    for (const id of ids) expect(await partitionOf(id)).toMatch(/request_\d{4}w\d\d$/);
    // What is further away than anybody plans stays, and stays counted.
    expect(await partitionOf(farFuture)).toBe('ledger.request_default');
    const { days, inDefault } = await watch(then);
    expect(inDefault).toBe(1);
    expect(days).toBeGreaterThanOrEqual(14);
    expect(await make(14, then)).toEqual([]);

    const again = await signer.claim(1, { requestIds: [released.requestId] });
    expect(again.claimed).toMatchObject([{ requestId: released.requestId, attempt: 2 }]);
    await signer.ledger.complete(signer.caller, again.claimed.map(completionOf));
    expect(await identity.read(released.requestId)).toMatchObject({ state: 'issued' });
    expect(await fixture.registry.why(released.requestId)).toMatchObject({
      events: [{ kind: 'released' }, { kind: 'issued' }],
    });
  });

  it('are made while requests come in, and none is refused', async () => {
    let stop = false;
    const coming = (async () => {
      let count = 0;
      while (!stop) {
        await acceptAt(Date.now() + 200 * dayMs + count * hourMs);
        await signer.ledger.complete(signer.caller, (await signer.claim(4)).claimed.map(completionOf));
        count += 1;
      }
      return count;
    })();
    for (let day = 190; day <= 205; day += 5) await make(7, new Date(Date.now() + day * dayMs));
    stop = true;
    expect(await coming).toBeGreaterThan(0);
  });

  it('are made while somebody reads what moves, and he finds it', async () => {
    const atMs = Date.now() + 400 * dayMs;
    const requestId = await acceptAt(atMs);
    expect(await partitionOf(requestId)).toBe('ledger.request_default');
    const maker = fixture.connect('issuer-registry', 1);
    const onMaker = (text: string) => maker.call({ name: '', text }, []);
    await onMaker('begin');
    await onMaker(`select ledger.make_partitions(7, '${new Date(atMs).toISOString()}')`);
    const reading = identity.read(requestId);
    await untilWaiting(fixture);
    await onMaker('commit');
    expect(await reading).toMatchObject({ state: 'queued' });
    expect(await partitionOf(requestId)).not.toBe('ledger.request_default');
  });

  it('are not made at the cost of others: nobody queues behind a reader of a default partition for long', async () => {
    const far = new Date(Date.now() + 300 * dayMs);
    const reader = fixture.connect('issuer-registry', 1);
    const onReader = (text: string) => reader.call({ name: '', text }, []);
    await onReader('begin');
    await onReader('select from ledger.outcome_default limit 1');
    const making = refusedWith(make(7, far));
    await untilWaiting(fixture);
    // Behind both. The reader ends when this one is through.
    const behind = fixture.connect('issuer-registry', 1);
    await behind.call({ name: '', text: `set lock_timeout = '1500ms'` }, []);
    for (let turn = 0; turn < 3; turn += 1) {
      await behind.call({ name: '', text: 'select from ledger.outcome_default limit 1' }, []);
    }
    await onReader('commit');
    expect(await making).toBeUndefined();
    expect((await watch(far)).days).toBeGreaterThanOrEqual(7);
  });

  it('are not made for more than 400 days', async () => {
    expect(await refusedWith(make(401, new Date()))).toBe('SLC01');
    expect(await refusedWith(make(0, new Date()))).toBe('SLC01');
  });
});
