import { randomBytes, randomUUID } from 'node:crypto';
import { type Code, codes } from '@sluice/errors';
import {
  caStates,
  caTransitions,
  dispositionFacts,
  dispositionOf,
  endStates,
  openStates,
  purposes,
  type RequestState,
  refusal,
  type SerialState,
  serialStates,
  serialTransitions,
  shelfStates,
  transitions,
} from '@sluice/issuance';
import type { ClaimedRequest, IdentityLedger } from '@sluice/ledger';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  completionOf,
  createLedgerFixture,
  dueNow,
  type LedgerFixture,
  newRow,
  refusedWith,
  type TestSigner,
} from './ledger-fixture.js';

// Goal: nobody goes round the state tables. Method: the tables of packages/issuance and their copies in SQL are
// compared pair by pair, and a superuser, who may write every table, is refused what they do not name.

let fixture: LedgerFixture;
let identity: IdentityLedger;
let signer: TestSigner;
beforeAll(async () => {
  fixture = await createLedgerFixture('guards');
  identity = await fixture.identity('front-1');
  signer = await fixture.signer('signer-1');
});
afterAll(() => fixture?.close());

describe('the state tables in SQL are those of packages/issuance', () => {
  const pairs = <F extends string, T extends string>(froms: readonly F[], tos: readonly T[]): [F, T][] =>
    froms.flatMap((from) => tos.map((to): [F, T] => [from, to]));
  const answers = async (call: string, rows: readonly (readonly unknown[])[]): Promise<unknown[]> =>
    (
      await fixture.sql<{ answer: unknown }>(
        `select ${call} as answer from jsonb_array_elements($1::jsonb) with ordinality t (j, i) order by i`,
        JSON.stringify(rows),
      )
    ).map(({ answer }) => answer);

  it('requests', async () => {
    const states: RequestState[] = [...openStates, ...shelfStates, ...endStates];
    const all = pairs(['new', ...states], states);
    const sql = await answers('ledger.may_become(j->>0, j->>1)', all);
    expect(sql).toEqual(all.map(([from, to]) => transitions[from].includes(to)));
  });

  it('serials', async () => {
    const all = pairs<'new' | SerialState, SerialState>(['new', ...serialStates], serialStates);
    const sql = await answers('ledger.serial_may_become(j->>0, j->>1)', all);
    expect(sql).toEqual(all.map(([from, to]) => serialTransitions[from].includes(to)));
  });

  it('CAs', async () => {
    const all = pairs(caStates, caStates);
    const sql = await answers('registry.ca_may_become(j->>0, j->>1)', all);
    expect(sql).toEqual(all.map(([from, to]) => caTransitions[from].some((way) => way.to === to)));
  });

  it('what a state permits', async () => {
    const all = pairs(caStates, purposes).flatMap(([state, purpose]) =>
      [true, false].map((own) => [state, purpose, own] as const),
    );
    const sql = await answers('registry.refusal(j->>0, j->>1, (j->>2)::boolean)', all);
    expect(sql).toEqual(all.map(([state, purpose, own]) => refusal(state, purpose, own) ?? null));
    expect(await answers('registry.refusal(null, j->>0, false)', [['subscriber']])).toEqual(['ca-unknown']);
  });

  it('which failures use up an attempt', async () => {
    const all = Object.keys(codes) as Code[];
    const sql = await answers(
      'ledger.uses_up_attempt(j->>0)',
      all.map((code) => [code]),
    );
    expect(sql).toEqual(all.map((code) => dispositionFacts[dispositionOf(code)].attemptsMax !== undefined));
  });
});

describe('a superuser is refused', () => {
  const guard = 'SLT01';
  const refusedSql = (text: string, ...values: unknown[]) => refusedWith(fixture.sql(text, ...values));
  let queued: string;
  let signing: ClaimedRequest;
  let issued: ClaimedRequest;
  let parked: string;

  beforeEach(async () => {
    const rows = [newRow(), newRow()];
    await Promise.all(rows.map((row) => identity.accept(row)));
    const { claimed } = await signer.claim(2);
    expect(claimed).toHaveLength(2);
    [signing, issued] = claimed as [ClaimedRequest, ClaimedRequest];
    await signer.ledger.complete(signer.caller, [completionOf(issued)]);
    queued = newRow().requestId;
    await identity.accept(newRow({ requestId: queued }));
    parked = newRow().requestId;
    await identity.accept(newRow({ requestId: parked }));
    const [hold] = await fixture.sql<{ id: string }>(
      `insert into registry.hold (reason, operator, expires_at) values ('test', 'test', now() + interval '1 h') returning id`,
    );
    await identity.decide(parked, await dueNow(fixture, parked), 1000);
    await fixture.sql('delete from registry.hold where id = $1', hold?.id);
  });

  it.each(['ledger.request', 'ledger.outcome', 'ledger.certificate', 'ledger.event', 'ledger.revocation'])(
    'any change of %s, also by its partitions',
    async (table) => {
      const [schema, name] = table.split('.');
      const partitions = await fixture.sql<{ name: string }>(
        `select format('%I.%I', n.nspname, c.relname) as name from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace
         where i.inhparent = $1::regclass`,
        `${schema}.${name}`,
      );
      const [{ column } = { column: '' }] = await fixture.sql<{ column: string }>(
        'select attname as column from pg_attribute where attrelid = $1::regclass and attnum = 1',
        table,
      );
      for (const each of [table, ...partitions.map((partition) => partition.name)]) {
        expect(await refusedSql(`update ${each} set ${column} = ${column}`), each).toBe(guard);
        expect(await refusedSql(`truncate ${each}`), each).toBe(guard);
        // make_partitions moves rows out of the default ones.
        if (!each.endsWith('_default')) expect(await refusedSql(`delete from ${each}`), each).toBe(guard);
      }
    },
  );

  it.each(['registry.change', 'registry.profile_revision', 'registry.template'])('any change of %s', async (table) => {
    expect(await refusedSql(`delete from ${table}`)).toBe(guard);
    expect(await refusedSql(`truncate ${table} cascade`)).toBe(guard);
    expect(
      await refusedSql(`update ${table} set ${table === 'registry.change' ? 'kind = kind' : 'revision = revision'}`),
    ).toBe(guard);
  });

  it('to empty serials, CAs, work or shelf', async () => {
    for (const table of ['ledger.serial', 'registry.ca'])
      expect(await refusedSql(`delete from ${table}`), table).toBe(guard);
    for (const table of ['ledger.serial', 'ledger.work', 'ledger.shelf', 'registry.ca'])
      expect(await refusedSql(`truncate ${table} cascade`), table).toBe(guard);
  });

  it('work that begins anywhere but queued', async () => {
    const insert = (state: string): Promise<string | undefined> =>
      refusedSql(
        `insert into ledger.work (request_id, class, key_group, account, ca, profile, purpose, fingerprint, state, deadline, accepted_at, signer, claim_id, lease_until)
         values ($1, 'interactive', 'default', 'demo', 'root', 'tls', 'subscriber', '\\x00', $2, now(), now(), 's', gen_random_uuid(), now())`,
        newRow().requestId,
        state,
      );
    expect(await insert('signing')).toBe(guard);
  });

  it('the way back from an end', async () => {
    expect(
      await refusedSql(
        `insert into ledger.work (request_id, class, key_group, account, ca, profile, purpose, fingerprint, state, deadline, accepted_at)
         values ($1, 'interactive', 'default', 'demo', 'root', 'tls', 'subscriber', '\\x00', 'queued', now(), now())`,
        issued.requestId,
      ),
    ).toBe(guard);
  });

  it.each([
    ['fewer attempts', 'attempt = attempt - 1'],
    ['fewer burned serials', 'burned = burned - 1'],
    ['another request', 'request_id = gen_random_uuid()'],
    ['another serial in the same attempt', `serial = '\\x41'`],
    ['another attempt without a claim', 'attempt = attempt + 1'],
    [
      'another attempt on the way back',
      `state = 'queued', attempt = attempt + 1, signer = null, claim_id = null, serial = null, lease_until = null`,
    ],
  ])('%s of what is being signed', async (_, change) => {
    expect(await refusedSql(`update ledger.work set ${change} where request_id = $1`, signing.requestId)).toBe(guard);
  });

  it('a claim that counts no attempt, or two', async () => {
    const claim = (attempt: string) =>
      refusedSql(
        `update ledger.work set state = 'signing', attempt = ${attempt}, signer = 's', claim_id = gen_random_uuid(), lease_until = now() where request_id = $1`,
        queued,
      );
    expect(await claim('attempt')).toBe(guard);
    expect(await claim('attempt + 2')).toBe(guard);
  });

  it.each(endStates)('the end %s out of nowhere', async (state) => {
    expect(
      await refusedSql(
        `insert into ledger.outcome (request_id, state, attempt, ended_by) values ($1, $2, 0, 'x')`,
        newRow().requestId,
        state,
      ),
    ).toBe(guard);
  });

  it('an end that its state does not name', async () => {
    const end = (id: string, state: string) =>
      refusedSql(
        `insert into ledger.outcome (request_id, state, attempt, ended_by) values ($1, $2, 0, 'x')`,
        id,
        state,
      );
    expect(await end(queued, 'issued')).toBe(guard);
    expect(await end(signing.requestId, 'expired')).toBe(guard);
    expect(await end(signing.requestId, 'cancelled')).toBe(guard);
    expect(await end(parked, 'issued')).toBe(guard);
    expect(await end(parked, 'rejected')).toBe(guard);
  });

  it('a second end', async () => {
    const end = `insert into ledger.outcome (request_id, state, attempt, ended_by) values ($1, 'issued', 1, 'x')`;
    expect(['23505', guard]).toContain(await refusedSql(end, issued.requestId));
  });

  it('the shelf for what was not failed or parked from its state', async () => {
    const shelve = (id: string, state: string) =>
      refusedSql(
        `insert into ledger.shelf (request_id, class, key_group, account, ca, purpose, fingerprint, state, accepted_at, attempt, lost, burned, code, expires_at)
         values ($1, 'interactive', 'default', 'demo', 'root', 'subscriber', '\\x00', $2, now(), 0, 0, 0, 'held', now())`,
        id,
        state,
      );
    expect(await shelve(queued, 'failed')).toBe(guard);
    expect(await shelve(signing.requestId, 'parked')).toBe(guard);
    expect(await shelve(issued.requestId, 'failed')).toBe(guard);
    expect(await shelve(newRow().requestId, 'parked')).toBe(guard);
    expect(await refusedSql(`update ledger.shelf set state = 'failed' where request_id = $1`, parked)).toBe(guard);
  });

  it('to delete work or shelf without an end', async () => {
    expect(await refusedSql('delete from ledger.work where request_id = $1', queued)).toBe(guard);
    expect(await refusedSql('delete from ledger.work where request_id = $1', signing.requestId)).toBe(guard);
    expect(await refusedSql('delete from ledger.shelf where request_id = $1', parked)).toBe(guard);
  });

  it('to bring a request back from the shelf with fewer attempts', async () => {
    const resubmit = (attempt: number) =>
      refusedSql(
        `with back as (delete from ledger.shelf where request_id = $1 returning *)
         insert into ledger.work (request_id, class, key_group, account, ca, profile, purpose, fingerprint, state, deadline, accepted_at, attempt)
         select request_id, 'background', key_group, account, ca, profile, purpose, fingerprint, 'queued', now() + interval '1 h', accepted_at, $2 from back`,
        parked,
        attempt,
      );
    expect(await resubmit(-1)).toBe(guard);
    expect(await resubmit(0)).toBeUndefined();
  });

  it('every way of a serial but those from intended', async () => {
    const serial = (row: ClaimedRequest, state: string) =>
      refusedSql('update ledger.serial set state = $2 where serial = $1', Buffer.from(row.serial), state);
    for (const state of ['intended', 'burned', 'void']) expect(await serial(issued, state), state).toBe(guard);
    await signer.ledger.burn(signer.caller, [{ ...signing, code: 'token-failed' }]);
    for (const state of ['intended', 'issued', 'void']) expect(await serial(signing, state), state).toBe(guard);
  });

  it('a serial that belongs to another attempt, or begins as issued', async () => {
    const change = 'update ledger.serial set attempt = attempt + 1 where serial = $1';
    expect(await refusedSql(change, Buffer.from(signing.serial))).toBe(guard);
    const copy = `insert into ledger.serial (ca, serial, request_id, attempt, state, claim_id, signer, claimed_at, lease_until, not_before, profile, profile_revision, compiler, template_hash, epoch)
      select ca, $2, request_id, attempt, 'issued', claim_id, signer, claimed_at, lease_until, not_before, profile, profile_revision, compiler, template_hash, epoch from ledger.serial where serial = $1`;
    expect(await refusedSql(copy, Buffer.from(issued.serial), Buffer.from([0x41, ...randomBytes(15)]))).toBe(guard);
  });

  it('a CA that starts active, skips a state, or changes its name, subject, key or certificate', async () => {
    const name = `ca-${randomUUID().slice(0, 8)}`;
    await fixture.makeCa(name);
    const change = (set: string) => refusedSql(`update registry.ca set ${set} where name = $1`, name);
    for (const set of [
      `state = 'pending'`,
      `state = 'retiring'`,
      `state = 'destroyed'`,
      `name = 'other'`,
      `key_group = 'other'`,
      `key_algorithm = 'rsa-2048'`,
      `subject_der = '\\x07'`,
      `spki = '\\x07'`,
      `certificate = null`,
    ])
      expect(await change(set), set).toBe(guard);
    expect(
      await refusedSql(
        `insert into registry.ca select ($1::text), key_group, 'active', false, key_algorithm, subject, '\\x08', spki, certificate, not_after, issuer, certificate_profile, epoch from registry.ca where name = 'root'`,
        `${name}-2`,
      ),
    ).toBe(guard);
  });
});
