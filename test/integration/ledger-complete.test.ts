import { randomBytes } from 'node:crypto';
import {
  type ClaimedRequest,
  type ClaimOptions,
  type Completion,
  type IdentityLedger,
  newRequestId,
} from '@sluice/ledger';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  acceptMany,
  claimIt,
  claimNew,
  clear,
  codeOf,
  completionOf,
  createLedgerFixture,
  hold,
  type LedgerFixture,
  soon,
  type TestSigner,
  untilLocked,
  untilSomebodyWaits,
} from './ledger-fixture.js';

// Step 8 and the sweep against a real PostgreSQL: how what was claimed ends.

let fixture: LedgerFixture;
let front: IdentityLedger;
let signer: TestSigner;
beforeAll(async () => {
  fixture = await createLedgerFixture('complete');
  front = await fixture.identity('front-1');
  signer = await fixture.signer('signer-1');
});
afterEach(() => clear(fixture));
afterAll(() => fixture?.close());

async function claimed(count: number, more: Partial<ClaimOptions> = {}): Promise<ClaimedRequest[]> {
  return [...(await signer.claim(count, more)).claimed];
}
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

describe('complete', () => {
  it('stores the certificate, and says so again when asked again', async () => {
    const row = await claimNew(front, signer);
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
    const row = await claimNew(front, signer);
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
    const late = await claimNew(front, signer);
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
    const rows = await claimed(3, { requestIds: await acceptMany(front, 3) });
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
    const rows = await claimed(8, { requestIds: await acceptMany(front, 8) });
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
    const first = await claimNew(front, signer);
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
    const row = await claimNew(front, signer);
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
    const row = await claimNew(front, signer);
    const stranger = await fixture.signer('stranger', 1);
    await stranger.ledger.release(stranger.caller, [{ ...row, code: 'draining' }]);
    await stranger.ledger.reject(stranger.caller, [{ ...row, code: 'lint-failed', detail: '' }]);
    expect(await front.read(row.requestId)).toMatchObject({ state: 'signing' });
  });
});

describe('burn and sweep', () => {
  it('burn revokes the serial in the same breath and queues again', async () => {
    const row = await claimNew(front, signer);
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
    const row = await claimNew(front, signer);
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
    const [requestId = ''] = await acceptMany(front, 1);
    for (let loss = 1; loss <= 3; loss += 1) {
      const row = await claimIt(signer, requestId);
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
    const [requestId = ''] = await acceptMany(front, 1);
    const ended: unknown[] = [];
    for (let burned = 1; burned <= 5; burned += 1) {
      const row = await claimIt(signer, requestId);
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
      ...(await acceptMany(front, 1)),
      ...(await acceptMany(front, 1, { account: 'other' })),
      ...(await acceptMany(front, 1)),
    ];
    const [row] = await claimed(1, { requestIds: [burned] });
    if (row === undefined) throw new Error('it was not to be claimed');
    await signer.ledger.burn(signer.caller, [{ ...row, code: 'token-failed' }]);
    await hold(fixture, { account: 'other' });
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
    await acceptMany(front, 2);
    await claimed(1);
    const { swept, loads } = await signer.ledger.sweep(signer.caller);
    expect(swept).toBe(true);
    expect(loads).toMatchObject([{ class: 'interactive', keyGroup: 'default', queued: 1, signing: 1 }]);
  });
});
