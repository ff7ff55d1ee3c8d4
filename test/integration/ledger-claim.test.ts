import { randomBytes, randomUUID } from 'node:crypto';
import type { AcceptRow, ClaimedRequest, ClaimOptions, Completion, Database, IdentityLedger } from '@sluice/ledger';
import { newRequestId } from '@sluice/ledger';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  codeOf,
  completionOf,
  createLedgerFixture,
  type LedgerFixture,
  newRow,
  newSerials,
  soon,
  type TestSigner,
  untilLocked,
  untilSomebodyWaits,
} from './ledger-fixture.js';

// Steps 6 and 8 and the sweep against a real PostgreSQL: who gets what, and how it ends.

let fixture: LedgerFixture;
let front: IdentityLedger;
let signer: TestSigner;
beforeAll(async () => {
  fixture = await createLedgerFixture('claim');
  front = await fixture.identity('front-1');
  signer = await fixture.signer('signer-1');
});
afterAll(() => fixture?.close());
/** Nothing of one test is left to be claimed by the next. */
afterEach(async () => {
  await fixture.sql('update registry.hold set lifted_at = now() where lifted_at is null');
  await fixture.sql(`update registry.ca set quarantined = false where quarantined`);
  // As replicas apply changes: without triggers.
  await fixture.sql(
    `do $$ begin
       set local session_replication_role = replica;
       delete from ledger.work;
       delete from ledger.shelf;
       delete from ledger.open_fingerprint;
     end $$`,
  );
});

async function accepted(count: number, more: Partial<AcceptRow> = {}): Promise<string[]> {
  const results = await Promise.all(Array.from({ length: count }, () => front.accept(newRow(more))));
  return results.map((result) => (result.verdict === 'accepted' ? result.requestId : result.verdict));
}
async function claimed(count: number, more: Partial<ClaimOptions> = {}): Promise<ClaimedRequest[]> {
  return [...(await signer.claim(count, more)).claimed];
}
/** Accepts one and claims it. */
async function one(more: Partial<AcceptRow> = {}): Promise<ClaimedRequest> {
  const requestIds = await accepted(1, more);
  const [row] = await claimed(1, { requestIds });
  if (row === undefined) throw new Error('it was not to be claimed');
  return row;
}
const idsOf = (rows: readonly { requestId: string }[]): string[] => rows.map(({ requestId }) => requestId).sort();
const outdate = (id: string): Promise<unknown> =>
  fixture.sql(`update ledger.work set deadline = now() - interval '1 s' where request_id = $1`, id);
const loseLease = (id: string): Promise<unknown> =>
  fixture.sql(`update ledger.work set lease_until = now() - interval '1 s' where request_id = $1`, id);
const serialState = async (row: ClaimedRequest): Promise<string | undefined> => {
  const text = 'select state from ledger.serial where ca = $1 and serial = $2';
  const [found] = await fixture.sql<{ state: string }>(text, row.ca, Buffer.from(row.serial));
  return found?.state;
};
const revoked = async (row: ClaimedRequest): Promise<boolean> =>
  (await fixture.sql('select from ledger.revocation where serial = $1', Buffer.from(row.serial))).length === 1;
const hold = (columns: Record<string, unknown>): Promise<unknown> =>
  fixture.sql(
    `insert into registry.hold (ca, profile, account, class, fraction, reason, operator, expires_at)
     select ca, profile, account, class, fraction, 'test', 'alice', now() + interval '1 h' from jsonb_to_record($1::jsonb) r (ca text, profile text, account text, class text, fraction float)`,
    JSON.stringify(columns),
  );

describe('a claim', () => {
  it('stores what is needed to sign it again: serial, revision, template, epoch, attempt, whole seconds', async () => {
    const row = await one({ content: '{"cn":"x"}' });
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
    const [overdue = '', fresh = ''] = await accepted(2);
    await outdate(overdue);
    const byIds = await signer.claim(2, { requestIds: [overdue, fresh] });
    expect(byIds.claimed.map(({ requestId }) => requestId)).toEqual([fresh]);
    expect(byIds.ended).toEqual([{ requestId: overdue, state: 'expired', code: undefined }]);
    expect(await front.read(overdue)).toMatchObject({ state: 'expired', withheld: false });
    const [another = ''] = await accepted(1);
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
    const ids = await accepted(3);
    await hold(columns);
    expect(await claimed(3, { requestIds: ids })).toEqual([]);
    expect(await claimed(3)).toEqual([]);
    await fixture.sql('update registry.hold set expires_at = now()');
    expect(await claimed(3)).toHaveLength(3);
  });

  it('takes what another hold keeps', async () => {
    await fixture.makeCa('elsewhere');
    await accepted(1);
    for (const columns of [{ ca: 'elsewhere' }, { account: 'other' }, { class: 'async' }, { profile: 'other' }])
      await hold(columns);
    expect(await claimed(1)).toHaveLength(1);
  });

  it('takes the same half of a flow whenever half of it is held, and is not stopped by the other', async () => {
    const ids = await accepted(60);
    await hold({ fraction: 0.5 });
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
    const ids = await accepted(2);
    await fixture.sql(`update registry.ca set quarantined = true where name = 'root'`);
    expect(await claimed(2, { requestIds: ids })).toEqual([]);
    expect(await claimed(2)).toEqual([]);
  });

  it('rejects what is not permitted at the cost of a row: no serial, no attempt', async () => {
    await fixture.makeCa('gone');
    await accepted(2, { ca: 'gone', profile: 'gone-tls' });
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
    const requestIds = await accepted(1, { account: 'third' });
    await fixture.sql(change, 'disabled');
    const { ended } = await signer.claim(1, { requestIds });
    await fixture.sql(change, 'enabled');
    expect(ended).toMatchObject([{ state: 'rejected', code }]);
  });

  it('names the profile whose template this compiler has not registered, and leaves the row', async () => {
    const requestIds = await accepted(1);
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
    const requestIds = await accepted(1);
    expect(await claimed(1, { requestIds, lane: { class: 'async', keyGroup: 'default' } })).toEqual([]);
    expect(await claimed(1, { requestIds, lane: { class: 'interactive', keyGroup: 'other' } })).toEqual([]);
  });

  it('takes no more than it has serials for, however many ids it names, and each once', async () => {
    const ids = await accepted(5);
    const rows = await claimed(3, { requestIds: [...ids, ...ids].reverse() });
    expect(rows).toHaveLength(3);
    expect(new Set(idsOf(rows)).size).toBe(3);
    expect(await codeOf(signer.claim(4, { serials: [] }))).toBe('conflict');
  });

  it('goes round the flows: one of 1,000 rows does not keep two of 10 waiting', async () => {
    await accepted(1000);
    await accepted(10, { account: 'other' });
    await accepted(10, { account: 'third' });
    const perAccount = (rows: readonly ClaimedRequest[]): Record<string, number> =>
      Object.fromEntries(
        ['demo', 'other', 'third'].map((name) => [name, rows.filter((row) => row.account === name).length]),
      );
    expect(perAccount(await claimed(30))).toEqual({ demo: 10, other: 10, third: 10 });
    // Work-conserving: the only flow left gets the whole turn.
    expect(perAccount(await claimed(30))).toEqual({ demo: 30, other: 0, third: 0 });
  });

  it('goes on where the last one stopped, when there are more flows than rows in a turn', async () => {
    for (const account of ['demo', 'other', 'third']) await accepted(2, { account });
    const order: string[] = [];
    let cursor: ClaimOptions['cursor'];
    for (let turn = 0; turn < 6; turn += 1) {
      const result = await signer.claim(1, { cursor });
      cursor = result.cursor;
      order.push(...result.claimed.map(({ account }) => account));
    }
    expect(order).toEqual(['demo', 'other', 'third', 'demo', 'other', 'third']);
  });

  it('whose answer was lost can be asked for again, as long as it holds', async () => {
    const requestIds = await accepted(3);
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
    await accepted(500);
    const claimers = await Promise.all(Array.from({ length: 8 }, (_, index) => fixture.signer(`claimer-${index}`, 1)));
    const taken: string[] = [];
    await Promise.all(
      claimers.map(async ({ claim }) => {
        // A claim may come back empty while others hold what it wanted.
        while (taken.length < 500) taken.push(...(await claim(16)).claimed.map(({ requestId }) => requestId));
      }),
    );
    expect(taken).toHaveLength(500);
    expect(new Set(taken).size).toBe(500);
  });
});

describe('complete', () => {
  it('stores the certificate, and says so again when asked again', async () => {
    const row = await one();
    const completion = completionOf(row);
    expect(await signer.ledger.complete(signer.caller, [completion])).toEqual(['issued']);
    expect(await signer.ledger.complete(signer.caller, [completion])).toEqual(['issued']);
    expect(await serialState(row)).toBe('issued');
    expect(await front.read(row.requestId)).toMatchObject({
      state: 'issued',
      certificate: completion.certificate,
      serial: Buffer.from(row.serial),
    });
    expect(await fixture.sql('select from ledger.certificate where request_id = $1', row.requestId)).toHaveLength(1);
  });

  it('loses with another attempt or another serial', async () => {
    const row = await one();
    const completion = completionOf(row);
    const wrong = [
      { ...completion, attempt: 2 },
      { ...completion, serial: randomBytes(16) },
    ];
    for (const each of wrong) expect(await signer.ledger.complete(signer.caller, [each])).toEqual(['late']);
    expect(await front.read(row.requestId)).toMatchObject({ state: 'signing' });
    expect(await fixture.sql('select from ledger.certificate where request_id = $1', row.requestId)).toEqual([]);
  });

  it('of a signer whose lease was lost is late: its certificate is kept, its serial is burned, the next one wins', async () => {
    const late = await one();
    await loseLease(late.requestId);
    expect(await signer.ledger.sweep(signer.caller)).toMatchObject({ swept: true, requeued: 1 });
    expect(await serialState(late)).toBe('burned');
    expect(await revoked(late)).toBe(true);
    const [next] = await claimed(1, { requestIds: [late.requestId] });
    if (next === undefined) throw new Error('it was not queued again');
    expect(next.attempt).toBe(2);
    expect(next.serial).not.toEqual(late.serial);
    const lateCompletion = completionOf(late);
    expect(await signer.ledger.complete(signer.caller, [lateCompletion])).toEqual(['late']);
    expect(await signer.ledger.complete(signer.caller, [lateCompletion, completionOf(next)])).toEqual([
      'late',
      'issued',
    ]);
    expect(await serialState(late)).toBe('burned');
    const stored = await fixture.sql<{ attempt: number; der: Buffer }>(
      'select attempt, der from ledger.certificate where request_id = $1 order by attempt',
      late.requestId,
    );
    expect(stored).toMatchObject([{ attempt: 1, der: lateCompletion.certificate }, { attempt: 2 }]);
    expect(await front.read(late.requestId)).toMatchObject({ state: 'issued', serial: Buffer.from(next.serial) });
  });

  it('takes rows in any order, twice, and beside those of another attempt', async () => {
    const rows = await claimed(3, { requestIds: await accepted(3) });
    const [a, b, c] = rows.map(completionOf) as [Completion, Completion, Completion];
    const answers = await signer.ledger.complete(signer.caller, [
      c,
      { ...a, attempt: 7 },
      a,
      b,
      a,
      { ...b, serial: randomBytes(16) },
    ]);
    expect(answers).toEqual(['issued', 'late', 'issued', 'issued', 'issued', 'late']);
    for (const each of [a, b, c])
      expect(await front.read(each.requestId)).toMatchObject({
        state: 'issued',
        certificate: each.certificate,
        serial: Buffer.from(each.serial),
      });
  });

  it('of a batch with one row that PostgreSQL refuses stores the others, and throws', async () => {
    const rows = await claimed(8, { requestIds: await accepted(8) });
    const completions = rows.map((each, index) => ({
      ...completionOf(each),
      ...(index === 3 ? { notAfter: new Date(-8.64e15) } : {}),
    }));
    expect(await codeOf(signer.ledger.complete(signer.caller, completions))).toBe('internal');
    const states = await Promise.all(rows.map(async ({ requestId }) => (await front.read(requestId))?.state));
    expect(states).toEqual(rows.map((_, index) => (index === 3 ? 'signing' : 'issued')));
  });
});

describe('release and reject', () => {
  it('release makes the serial void and queues again; attempts never decrease', async () => {
    const first = await one();
    const release = { ...first, code: 'draining' } as const;
    await signer.ledger.release(signer.caller, [release, release]);
    expect(await serialState(first)).toBe('void');
    expect(await revoked(first)).toBe(false);
    const [again] = await claimed(1, { requestIds: [first.requestId] });
    expect(again?.attempt).toBe(2);
    // Twice, late: the second attempt is not released by the first's release.
    await signer.ledger.release(signer.caller, [release]);
    expect(await front.read(first.requestId)).toMatchObject({ state: 'signing', attempt: 2 });
  });

  it('reject makes the serial void and ends it, once', async () => {
    const row = await one();
    const rejection = { ...row, code: 'lint-failed', detail: 'too long' } as const;
    await signer.ledger.reject(signer.caller, [rejection, { ...rejection, attempt: 9, code: 'key-weak' }, rejection]);
    await signer.ledger.reject(signer.caller, [rejection]);
    expect(await serialState(row)).toBe('void');
    expect(await front.read(row.requestId)).toMatchObject({
      state: 'rejected',
      code: 'lint-failed',
      detail: 'too long',
    });
  });

  it('is refused to a signer that did not claim it', async () => {
    const row = await one();
    const stranger = await fixture.signer('stranger', 1);
    await stranger.ledger.release(stranger.caller, [{ ...row, code: 'draining' }]);
    await stranger.ledger.reject(stranger.caller, [{ ...row, code: 'lint-failed', detail: '' }]);
    expect(await front.read(row.requestId)).toMatchObject({ state: 'signing' });
  });
});

describe('burn and sweep', () => {
  it('burn revokes the serial in the same breath and queues again', async () => {
    const row = await one();
    const burn = { ...row, code: 'token-failed' } as const;
    expect(await signer.ledger.burn(signer.caller, [burn, burn])).toEqual([]);
    expect(await serialState(row)).toBe('burned');
    expect(await revoked(row)).toBe(true);
    expect(await front.read(row.requestId)).toMatchObject({ state: 'queued', attempt: 1 });
    const events = await fixture.sql<{ kind: string }>(
      'select kind from ledger.event where request_id = $1',
      row.requestId,
    );
    expect(events).toEqual([{ kind: 'burned' }]);
  });

  it('burn waits for a waiter that moves the deadline, and does not pass the row over', async () => {
    const row = await one();
    const moving = fixture.sql(`do $$ begin
      update ledger.work set deadline = deadline + interval '1 s' where request_id = '${row.requestId}';
      ${untilSomebodyWaits}
    end $$`);
    await untilLocked(fixture, 'ledger.work', 'RowExclusiveLock');
    await signer.ledger.burn(signer.caller, [{ ...row, code: 'token-failed' }]);
    await moving;
    expect(await serialState(row)).toBe('burned');
  });

  it('three unexplained losses end on the shelf as failed', async () => {
    const [requestId = ''] = await accepted(1);
    for (let loss = 1; loss <= 3; loss += 1) {
      const [row] = await claimed(1, { requestIds: [requestId] });
      expect(row?.attempt).toBe(loss);
      await loseLease(requestId);
      const { ended, requeued } = await signer.ledger.sweep(signer.caller);
      expect(requeued).toBe(loss < 3 ? 1 : 0);
      expect(ended).toEqual(loss < 3 ? [] : [{ requestId, state: 'failed' }]);
    }
    expect(await front.read(requestId)).toMatchObject({ state: 'failed' });
    expect(
      await fixture.sql('select lost, burned, attempt from ledger.shelf where request_id = $1', requestId),
    ).toEqual([{ lost: 3, burned: 3, attempt: 3 }]);
  });

  it('a failing token burns at most five serials', async () => {
    const [requestId = ''] = await accepted(1);
    const ended: unknown[] = [];
    for (let burned = 1; burned <= 5; burned += 1) {
      const [row] = await claimed(1, { requestIds: [requestId] });
      if (row === undefined) throw new Error(`no attempt ${burned}`);
      ended.push(...(await signer.ledger.burn(signer.caller, [{ ...row, code: 'token-failed' }])));
      if (burned < 5) expect(ended).toEqual([]);
    }
    expect(ended).toEqual([{ requestId, state: 'failed' }]);
    expect(await fixture.sql('select lost, burned from ledger.shelf where request_id = $1', requestId)).toEqual([
      { lost: 0, burned: 5 },
    ]);
  });

  it('lost key work burns no serial, for it had none', async () => {
    const registryCaller = await fixture.registry.enrol('registry-1');
    const work = {
      ca: 'root',
      subjectCa: 'root',
      profile: null,
      keyGroup: 'default',
      content: '{}',
      spki: new Uint8Array(),
    };
    await fixture.sql(
      `insert into registry.ca (name, key_group, state, key_algorithm, subject, subject_der, issuer, certificate_profile, epoch) values ('young', 'default', 'pending', 'ec-p256', '{}', '\\x77', 'root', 'root-ca', 1)`,
    );
    const requestId = await fixture.registry.putKeyWork(registryCaller, {
      ...work,
      ca: 'young',
      subjectCa: 'young',
      purpose: 'generate',
      requestId: newRequestId(Date.now()),
    });
    for (let loss = 1; loss <= 3; loss += 1) {
      expect(
        await claimed(1, { requestIds: [requestId], lane: { class: 'async', keyGroup: 'default' } }),
      ).toMatchObject([{ attempt: loss, purpose: 'generate' }]);
      await loseLease(requestId);
      await signer.ledger.sweep(signer.caller);
    }
    expect(await fixture.sql('select state, lost, burned from ledger.shelf where request_id = $1', requestId)).toEqual([
      { state: 'failed', lost: 3, burned: 0 },
    ]);
    await fixture.sql(`update ledger.shelf set expires_at = now() where request_id = $1`, requestId);
    await signer.ledger.sweep(signer.caller);
    expect(await fixture.sql('select state, withheld from ledger.outcome where request_id = $1', requestId)).toEqual([
      { state: 'expired', withheld: false },
    ]);
  });

  it('the sweep expires what is overdue, shelves it where a hold keeps it, and ends what the shelf kept too long', async () => {
    const [plain = '', held = '', burned = ''] = [
      ...(await accepted(1)),
      ...(await accepted(1, { account: 'other' })),
      ...(await accepted(1)),
    ];
    const [row] = await claimed(1, { requestIds: [burned] });
    if (row === undefined) throw new Error('it was not to be claimed');
    await signer.ledger.burn(signer.caller, [{ ...row, code: 'token-failed' }]);
    await hold({ account: 'other' });
    for (const id of [plain, held, burned]) await outdate(id);
    const { ended } = await signer.ledger.sweep(signer.caller);
    expect(new Map(ended.map(({ requestId, state }) => [requestId, state]))).toEqual(
      new Map([
        [plain, 'expired'],
        [burned, 'expired'],
        [held, 'parked'],
      ]),
    );
    expect(await front.read(plain)).toMatchObject({ state: 'expired', withheld: false });
    expect(await front.read(burned)).toMatchObject({ state: 'expired', withheld: true });
    await fixture.sql('update ledger.shelf set expires_at = now() where request_id = $1', held);
    expect((await signer.ledger.sweep(signer.caller)).ended).toEqual([{ requestId: held, state: 'expired' }]);
    expect(await front.read(held)).toMatchObject({ state: 'expired', withheld: false });
  });

  it('two sweeps at once: one does it', async () => {
    const sleeper = fixture.sql(`do $$ begin
      perform pg_advisory_xact_lock(hashtextextended('sluice:sweep', 0));
      while not exists (select from registry.ca_token where token = 'go') loop perform pg_sleep(0.01); end loop;
    end $$`);
    await expect
      .poll(
        () =>
          fixture.sql(
            `select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
          ),
        soon,
      )
      .not.toEqual([]);
    expect(await signer.ledger.sweep(signer.caller)).toEqual({ swept: false, ended: [], requeued: 0, loads: [] });
    await fixture.sql(`insert into registry.ca_token (ca, token) values ('root', 'go')`);
    await sleeper;
    await accepted(2);
    await claimed(1);
    const { swept, loads } = await signer.ledger.sweep(signer.caller);
    expect(swept).toBe(true);
    expect(loads).toMatchObject([{ class: 'interactive', keyGroup: 'default', queued: 1, signing: 1 }]);
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
        const due = await Promise.all(['demo', 'other', 'third'].map((account) => accepted(21, { account })));
        const byPolicy = await blocksOfClaim(signerSql, null);
        const signing = `select from ledger.work where request_id = any($1) and state = 'signing'`;
        expect(await fixture.sql(signing, due.flat())).toHaveLength(63);
        const ids = await accepted(63);
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
