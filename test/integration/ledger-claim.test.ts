import { randomBytes, randomUUID } from 'node:crypto';
import type { ClaimedRequest, ClaimOptions, Database, IdentityLedger } from '@sluice/ledger';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  acceptMany,
  acceptOne,
  claimNew,
  clear,
  codeOf,
  createLedgerFixture,
  hold,
  type LedgerFixture,
  newRow,
  newSerials,
  type TestSigner,
} from './ledger-fixture.js';

// Step 6 against a real PostgreSQL: who gets what, and at what cost.

let fixture: LedgerFixture;
let front: IdentityLedger;
let signer: TestSigner;
beforeAll(async () => {
  fixture = await createLedgerFixture('claim');
  front = await fixture.identity('front-1');
  signer = await fixture.signer('signer-1');
});
afterEach(() => clear(fixture));
afterAll(() => fixture?.close());

async function claimed(count: number, more: Partial<ClaimOptions> = {}): Promise<ClaimedRequest[]> {
  return [...(await signer.claim(count, more)).claimed];
}
const idsOf = (rows: readonly { requestId: string }[]): string[] => rows.map(({ requestId }) => requestId).sort();
const outdate = (id: string): Promise<unknown> =>
  fixture.sql(`update ledger.work set deadline = now() - interval '1 s' where request_id = $1`, id);
const loseLease = (id: string): Promise<unknown> =>
  fixture.sql(`update ledger.work set lease_until = now() - interval '1 s' where request_id = $1`, id);

/** As a claim does that has not committed yet. */
async function whileRowsLocked<T>(ids: readonly string[], work: () => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: fixture.adminUrl });
  await client.connect();
  try {
    await client.query('begin');
    await client.query('select from ledger.work where request_id = any($1) for update', [ids]);
    return await work();
  } finally {
    await client.end();
  }
}

describe('a claim', () => {
  it('stores what is needed to sign it again: serial, revision, template, epoch, attempt, whole seconds', async () => {
    const row = await claimNew(front, signer, { content: '{"cn":"x"}' });
    expect(row).toMatchObject({
      purpose: 'subscriber',
      account: 'demo',
      profile: 'tls',
      profileRevision: 1,
      acceptedRevision: 1,
      ca: 'root',
      content: '{"cn":"x"}',
      attempt: 1,
    });
    expect(row.notBefore.getTime() % 1000).toBe(0);
    expect(Date.now() - row.notBefore.getTime()).toBeGreaterThanOrEqual(59_000);
    const [stored] = await fixture.sql(
      `select state, attempt, signer, profile_revision, compiler, template_hash, epoch, not_before, extract(epoch from lease_until - claimed_at)::integer as lease_s from ledger.serial where serial = $1`,
      Buffer.from(row.serial),
    );
    expect(stored).toEqual({
      state: 'intended',
      attempt: 1,
      signer: 'signer-1',
      profile_revision: 1,
      compiler: 'test-1',
      template_hash: row.templateHash,
      epoch: row.epoch,
      not_before: row.notBefore,
      lease_s: 10,
    });
  });

  it('by ids or by policy ends what is overdue and never takes it', async () => {
    const [overdue = '', fresh = ''] = await acceptMany(front, 2);
    await outdate(overdue);
    const byIds = await signer.claim(2, { requestIds: [overdue, fresh] });
    expect(byIds.claimed.map(({ requestId }) => requestId)).toEqual([fresh]);
    expect(byIds.ended).toEqual([{ requestId: overdue, state: 'expired', code: undefined }]);
    expect(await front.read(overdue)).toMatchObject({ state: 'expired', withheld: false });
    const [another = ''] = await acceptMany(front, 1);
    await outdate(another);
    expect(await claimed(8)).toEqual([]);
  });

  it.each([
    ['its CA', { ca: 'root' }],
    ['its account', { account: 'demo' }],
    ['its class', { class: 'interactive' }],
    ['its profile', { profile: 'tls' }],
    ['everything', {}],
    ['all of a fraction', { fraction: 1 }],
  ])('leaves what is held by %s, by ids or by policy', async (_, columns) => {
    const ids = await acceptMany(front, 3);
    await hold(fixture, columns);
    expect(await claimed(3, { requestIds: ids })).toEqual([]);
    expect(await claimed(3)).toEqual([]);
    await fixture.sql('update registry.hold set expires_at = now()');
    expect(await claimed(3)).toHaveLength(3);
  });

  it('takes what another hold keeps', async () => {
    await fixture.makeCa('elsewhere');
    await acceptMany(front, 1);
    for (const columns of [{ ca: 'elsewhere' }, { account: 'other' }, { class: 'async' }, { profile: 'other' }])
      await hold(fixture, columns);
    expect(await claimed(1)).toHaveLength(1);
  });

  it('takes the same half of a flow whenever half of it is held, and is not stopped by the other', async () => {
    const ids = await acceptMany(front, 60);
    await hold(fixture, { fraction: 0.5 });
    const expected = await fixture.sql<{ id: string }>(
      `select u.id from unnest($1::uuid[]) u (id) where registry.held_by(u.id, 'interactive', 'demo', 'root', 'tls') is null`,
      ids,
    );
    expect(expected.length).toBeGreaterThan(10);
    expect(expected.length).toBeLessThan(50);
    const taken: ClaimedRequest[] = [];
    for (let turn = 0; turn < 20 && taken.length < expected.length; turn += 1) taken.push(...(await claimed(5)));
    expect(idsOf(taken)).toEqual(expected.map(({ id }) => id).sort());
  });

  it('leaves what its CA keeps back in quarantine', async () => {
    const ids = await acceptMany(front, 2);
    await fixture.sql(`update registry.ca set quarantined = true where name = 'root'`);
    expect(await claimed(2, { requestIds: ids })).toEqual([]);
    expect(await claimed(2)).toEqual([]);
  });

  it('rejects what is not permitted at the cost of a row: no serial, no attempt', async () => {
    await fixture.makeCa('gone');
    await acceptMany(front, 2, { ca: 'gone', profile: 'gone-tls' });
    await fixture.registry.disableCa('alice', 'gone', 'test');
    const { claimed: none, ended } = await signer.claim(8);
    expect(none).toEqual([]);
    expect(ended).toMatchObject([
      { state: 'rejected', code: 'ca-disabled' },
      { state: 'rejected', code: 'ca-disabled' },
    ]);
    expect(await fixture.sql('select from ledger.serial where request_id = $1', ended[0]?.requestId)).toEqual([]);
    expect(await front.read(ended[0]?.requestId ?? '')).toMatchObject({ state: 'rejected', code: 'ca-disabled' });
  });

  it.each([
    ['account-disabled', `update registry.account set state = $1 where name = 'third'`],
    ['profile-disabled', `update registry.profile set state = $1 where name = 'tls'`],
  ])('rejects with %s', async (code, change) => {
    const requestIds = await acceptMany(front, 1, { account: 'third' });
    await fixture.sql(change, 'disabled');
    const { ended } = await signer.claim(1, { requestIds });
    await fixture.sql(change, 'enabled');
    expect(ended).toMatchObject([{ state: 'rejected', code }]);
  });

  it('names the profile whose template this compiler has not registered, and leaves the row', async () => {
    const requestIds = await acceptMany(front, 1);
    const stale = await signer.claim(1, { requestIds, compiler: 'newer' });
    expect(stale).toMatchObject({ claimed: [], ended: [], stale: ['tls'] });
    await signer.ledger.registerTemplates(signer.caller, 'newer', [
      { profile: 'tls', revision: 1, hash: randomBytes(32) },
    ]);
    expect(await claimed(1, { requestIds, compiler: 'newer' })).toHaveLength(1);
  });

  it('refuses a signer that makes other bytes of a revision', async () => {
    const template = { profile: 'tls', revision: 1, hash: randomBytes(32) };
    expect(await codeOf(signer.ledger.registerTemplates(signer.caller, 'test-1', [template]))).toBe('conflict');
  });

  it('of another lane takes nothing', async () => {
    const requestIds = await acceptMany(front, 1);
    expect(await claimed(1, { requestIds, lane: { class: 'async', keyGroup: 'default' } })).toEqual([]);
    expect(await claimed(1, { requestIds, lane: { class: 'interactive', keyGroup: 'other' } })).toEqual([]);
  });

  it('takes no more than it has serials for, however many ids it names, and each once', async () => {
    const ids = await acceptMany(front, 5);
    const rows = await claimed(3, { requestIds: [...ids, ...ids].reverse() });
    expect(rows).toHaveLength(3);
    expect(new Set(idsOf(rows)).size).toBe(3);
    expect(await codeOf(signer.claim(4, { serials: [] }))).toBe('conflict');
  });

  it('goes round the flows: one of 1,000 rows does not keep two of 10 waiting', async () => {
    await acceptMany(front, 1000);
    await acceptMany(front, 10, { account: 'other' });
    await acceptMany(front, 10, { account: 'third' });
    const perAccount = (rows: readonly ClaimedRequest[]): Record<string, number> =>
      Object.fromEntries(
        ['demo', 'other', 'third'].map((name) => [name, rows.filter((row) => row.account === name).length]),
      );
    expect(perAccount(await claimed(30))).toEqual({ demo: 10, other: 10, third: 10 });
    // Work-conserving: the only flow left gets the whole turn.
    expect(perAccount(await claimed(30))).toEqual({ demo: 30, other: 0, third: 0 });
  });

  it('goes on where the last one stopped, when there are more flows than rows in a turn', async () => {
    for (const account of ['demo', 'other', 'third']) await acceptMany(front, 2, { account });
    const order: string[] = [];
    let cursor: ClaimOptions['cursor'];
    for (let turn = 0; turn < 6; turn += 1) {
      const result = await signer.claim(1, { cursor });
      cursor = result.cursor;
      order.push(...result.claimed.map(({ account }) => account));
    }
    expect(order).toEqual(['demo', 'other', 'third', 'demo', 'other', 'third']);
  });

  it('takes what is further back while others have what comes first', async () => {
    const ids = await acceptMany(front, 40);
    const rows = await whileRowsLocked(ids.slice(0, 20), () => claimed(4));
    expect(rows).toHaveLength(4);
    expect(ids.slice(20)).toEqual(expect.arrayContaining(idsOf(rows)));
    expect(await whileRowsLocked(ids, () => claimed(4))).toEqual([]);
  });

  it('goes round the flows also while others have what comes first', async () => {
    const [first = ''] = await acceptMany(front, 1);
    for (const account of ['other', 'third']) await acceptMany(front, 1, { account });
    const further = await whileRowsLocked([first], () => signer.claim(1));
    expect(further).toMatchObject({ claimed: [{ account: 'other' }], cursor: { account: 'demo' } });
    const left = [await claimed(1, { cursor: further.cursor }), await claimed(1)].flat();
    expect(left.map(({ account }) => account)).toEqual(['third', 'demo']);
  });

  it('whose answer was lost can be asked for again, as long as it holds', async () => {
    const requestIds = await acceptMany(front, 3);
    const claimId = randomUUID();
    const rows = await claimed(3, { requestIds, claimId });
    const again = await signer.ledger.claimAgain(signer.caller, claimId);
    const byId = (list: readonly ClaimedRequest[]) => [...list].sort((a, b) => (a.requestId < b.requestId ? -1 : 1));
    expect(byId(again.claimed)).toEqual(byId(rows));
    await loseLease(rows[0]?.requestId ?? '');
    expect((await signer.ledger.claimAgain(signer.caller, claimId)).claimed).toHaveLength(2);
    expect((await signer.ledger.claimAgain(signer.caller, randomUUID())).claimed).toEqual([]);
  });

  it('of eight at once never takes what another took', async () => {
    await acceptMany(front, 500);
    const claimers = await Promise.all(Array.from({ length: 8 }, (_, index) => fixture.signer(`claimer-${index}`, 1)));
    const taken: string[] = [];
    await Promise.all(
      claimers.map(async ({ claim }) => {
        // Towards the end a claim comes back empty: others have all that is left.
        while (taken.length < 500) taken.push(...(await claim(16)).claimed.map(({ requestId }) => requestId));
      }),
    );
    expect(taken).toHaveLength(500);
    expect(new Set(taken).size).toBe(500);
  });
});

describe('a profile that no signer here has a template for', () => {
  it('does not keep others of its flow from being claimed, and is named when nothing else is there', async () => {
    const document = { revision: 'nobody has compiled this' };
    const profile = {
      name: 'untemplated',
      ca: 'root',
      purpose: 'subscriber',
      document,
      timeToLiveS: 60,
      backdateS: 0,
    } as const;
    await fixture.registry.applyProfile('operator', profile);
    await Promise.all(
      Array.from({ length: 70 }, () => front.accept(newRow({ profile: 'untemplated', waitMs: 20_000 }))),
    );
    const good = await acceptOne(front, { waitMs: 30_000 });
    const claimed = await signer.claim(64);
    expect(claimed.claimed.map(({ requestId }) => requestId)).toEqual([good.requestId]);
    expect((await signer.claim(64)).stale).toEqual(['untemplated']);
    await clear(fixture);
  });
});

describe('cost', () => {
  /** Blocks that one claim of 63 looks at, as the server counts them: unlike time it does not depend on who else runs. */
  async function blocksOfClaim(signerSql: Database, requestIds: readonly string[] | null): Promise<number> {
    const text = `explain (analyze, buffers, format json)
      select * from ledger.claim($1, $2, gen_random_uuid(), 'interactive', 'default', 63, $3::uuid[], $4::bytea[], 'test-1', 10000, null, null)`;
    const values = [
      signer.caller.name,
      signer.caller.incarnation,
      requestIds,
      newSerials(63).map((serial) => Buffer.from(serial)),
    ];
    const [row] = await signerSql.call<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
      { name: '', text },
      values,
    );
    const plan = row?.['QUERY PLAN'][0].Plan;
    return (plan?.['Shared Hit Blocks'] ?? Number.NaN) + (plan?.['Shared Read Blocks'] ?? Number.NaN);
  }
  /** Open work of three flows that is due later than what tests accept; a claim that does its work never reads it. */
  const addBulk = (from: number, to: number): Promise<unknown> =>
    fixture.sql(
      `do $$ begin
         set local session_replication_role = replica;
         insert into ledger.work (request_id, class, key_group, account, ca, profile, purpose, fingerprint, state, deadline, accepted_at)
         select lpad(to_hex(i), 32, '0')::uuid, 'interactive', 'default', (array['demo', 'other', 'third'])[1 + i % 3], 'root', 'tls', 'subscriber', '\\x00', 'queued', now() + interval '1 h' + i * interval '1 ms', now()
         from generate_series(${from}, ${to - 1}) i;
       end $$`,
    );

  it('of a claim is the same at 1,000 and at 100,000 open rows, by policy and by ids', async () => {
    const signerSql = fixture.connect('signer', 1);
    let open = 0;
    const blocksAt = async (bulk: number): Promise<{ byPolicy: number; byIds: number }> => {
      for (; open < bulk; open = Math.min(bulk, open + 20_000)) await addBulk(open, Math.min(bulk, open + 20_000));
      const turns: { byPolicy: number; byIds: number }[] = [];
      // The first claims of a connection also look up what the catalogue says.
      for (let turn = 0; turn < 3; turn += 1) {
        const due = await Promise.all(['demo', 'other', 'third'].map((account) => acceptMany(front, 21, { account })));
        const byPolicy = await blocksOfClaim(signerSql, null);
        const signing = `select from ledger.work where request_id = any($1) and state = 'signing'`;
        expect(await fixture.sql(signing, due.flat())).toHaveLength(63);
        const ids = await acceptMany(front, 63);
        const byIds = await blocksOfClaim(signerSql, ids);
        expect(await fixture.sql(signing, ids)).toHaveLength(63);
        turns.push({ byPolicy, byIds });
      }
      return turns[2] ?? { byPolicy: Number.NaN, byIds: Number.NaN };
    };
    const few = await blocksAt(1000);
    const many = await blocksAt(100_000);
    expect(few.byIds).toBeGreaterThan(64);
    expect(many.byPolicy).toBeLessThan(few.byPolicy * 2);
    expect(many.byIds).toBeLessThan(few.byIds * 2);
  });
});
