import { randomUUID } from 'node:crypto';
import {
  type AuditFinding,
  type AuditInvariant,
  auditInvariants,
  firstRequestId,
  type IdentityLedger,
  newRequestId,
} from '@sluice/ledger';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  acceptOne,
  claimNew,
  completionOf,
  createLedgerFixture,
  dueNow,
  hold,
  type LedgerFixture,
  liftHolds,
  type TestSigner,
} from './ledger-fixture.js';

// Goal: the live auditor finds each violation, names its rows, and says nothing of a ledger that is in order.
// Method: a ledger with a request in every state, made by the verbs. Each case plants one fault as a superuser to whom
// no trigger applies, in a transaction that is rolled back after the audit has looked, from inside it.

const doubt = { code: 'token-failed' } as const;
const everything = { from: newRequestId(0), until: newRequestId(Date.now() + 86_400_000), requestsMax: 1000 };

let fixture: LedgerFixture;
let front: IdentityLedger;
let signer: TestSigner;
let planter: Client;
/** A request in each state, by the state's name; `burned`: expired after its serial was burned. */
const at: Record<'issued' | 'signing' | 'queued' | 'parked' | 'rejected' | 'burned' | 'expired', string> = {
  issued: '',
  signing: '',
  queued: '',
  parked: '',
  rejected: '',
  burned: '',
  expired: '',
};

beforeAll(async () => {
  fixture = await createLedgerFixture('audit');
  front = await fixture.identity('front');
  signer = await fixture.signer('signer');
  const { ledger, caller } = signer;
  const issued = await claimNew(front, signer);
  await ledger.complete(caller, [completionOf(issued)]);
  const rejected = await claimNew(front, signer);
  await ledger.reject(caller, [{ ...rejected, code: 'lint-failed', detail: 'no' }]);
  const burned = await claimNew(front, signer);
  await ledger.burn(caller, [{ ...burned, ...doubt }]);
  await front.decide(burned.requestId, await dueNow(fixture, burned.requestId), 1000);
  const expired = await acceptOne(front);
  await front.decide(expired.requestId, await dueNow(fixture, expired.requestId), 1000);
  await hold(fixture, { account: 'third' });
  const parked = await acceptOne(front, { account: 'third' });
  await front.decide(parked.requestId, await dueNow(fixture, parked.requestId), 1000);
  await liftHolds(fixture);
  at.signing = (await claimNew(front, signer)).requestId;
  at.queued = (await acceptOne(front)).requestId;
  Object.assign(at, {
    issued: issued.requestId,
    rejected: rejected.requestId,
    burned: burned.requestId,
    expired: expired.requestId,
    parked: parked.requestId,
  });
  planter = new Client({ connectionString: fixture.adminUrl });
  await planter.connect();
});
afterAll(async () => {
  await planter?.end();
  await fixture?.close();
});

const broken = (findings: readonly AuditFinding[]): Partial<Record<AuditInvariant, readonly string[]>> =>
  Object.fromEntries(findings.filter(({ found }) => found > 0).map(({ invariant, rows }) => [invariant, rows]));

/** What the audit finds while those statements are in force; `$X` is the id of the request in that state. */
async function audited(...statements: string[]): Promise<Partial<Record<AuditInvariant, readonly string[]>>> {
  await planter.query('begin; set local session_replication_role = replica');
  try {
    for (const statement of statements) {
      const text = statement.replace(/\$(\w+)/g, (_, state: keyof typeof at) => `'${at[state]}'`);
      expect((await planter.query(text)).rowCount, text).toBeGreaterThan(0);
    }
    const { rows } = await planter.query<{ invariant: AuditInvariant; checked: string; found: string; rows: string[] }>(
      'select * from ledger.audit($1, $2) union all select * from ledger.audit_leases(30000) union all select * from ledger.audit_registry()',
      [everything.from, everything.until],
    );
    return broken(rows.map((row) => ({ ...row, checked: Number(row.checked), found: Number(row.found) })));
  } finally {
    await planter.query('rollback');
  }
}

it('finds nothing in a ledger that is in order, and has looked at everything', async () => {
  const { findings, next } = await fixture.registry.auditRange(everything);
  const leases = await fixture.registry.auditWhole();
  expect(next).toBeUndefined();
  expect(broken([...findings, ...leases])).toEqual({});
  const checked = Object.fromEntries([...findings, ...leases].map((finding) => [finding.invariant, finding.checked]));
  expect(Object.keys(checked).sort()).toEqual(Object.keys(auditInvariants).sort());
  // The root's two pieces of key work, and the seven.
  expect(checked).toMatchObject({ accounted: 9, lease: 1, revoked: 1, withheld: 3, permitted: 5 });
});

describe('finds, and names the rows of', () => {
  it.each<[string, Partial<Record<AuditInvariant, string>>, string[]]>([
    [
      'a request that is nowhere',
      { accounted: 'request $queued: nowhere' },
      ['delete from ledger.work where request_id = $queued'],
    ],
    [
      'a request that is open and ended',
      { accounted: 'request $queued: open and ended', fingerprint: 'request $queued: fingerprint' },
      [`insert into ledger.outcome (request_id, state, attempt, ended_by) values ($queued, 'cancelled', 0, 'x')`],
    ],
    [
      'an end without a request',
      { known: `request ${everything.from}: end without a request` },
      [
        `insert into ledger.outcome (request_id, state, attempt, ended_by) values ('${everything.from}', 'cancelled', 0, 'x')`,
      ],
    ],
    [
      'open work that is for another CA than was asked',
      { 'as-accepted': 'request $queued' },
      [`update ledger.work set ca = 'other' where request_id = $queued`],
    ],
    [
      'shelved work for another account',
      { 'as-accepted': 'request $parked' },
      [`update ledger.shelf set account = 'other' where request_id = $parked`],
    ],
    [
      'a fingerprint that still leads to what has ended',
      { fingerprint: 'request $issued: fingerprint' },
      [`insert into ledger.open_fingerprint select fingerprint, account, id from ledger.request where id = $issued`],
    ],
    [
      'open work that no equal request finds',
      { fingerprint: 'request $queued: fingerprint' },
      ['delete from ledger.open_fingerprint where request_id = $queued'],
    ],
    [
      'work being signed whose serial was never stored',
      { intended: 'request $signing, attempt 1' },
      ['delete from ledger.serial where request_id = $signing'],
    ],
    [
      'work being signed under the serial of another claim',
      { intended: 'request $signing, attempt 1' },
      [`update ledger.work set claim_id = '${randomUUID()}' where request_id = $signing`],
    ],
    [
      'an intended serial that nobody works on',
      { intended: ', serial ' },
      [`update ledger.serial set state = 'intended' where request_id = $rejected`],
    ],
    [
      'a claim past its lease',
      { lease: 'request $signing, attempt 1: the lease of signer ended at' },
      [
        `update ledger.work set lease_until = lease_until - interval '1 hour' where request_id = $signing`,
        `update ledger.serial set lease_until = lease_until - interval '1 hour' where request_id = $signing`,
      ],
    ],
    [
      'two certificates with one serial',
      { 'one-certificate': 'attempt 9' },
      [
        'insert into ledger.certificate select request_id, 9, ca, serial, not_before, not_after, der from ledger.certificate where request_id = $issued',
      ],
    ],
    [
      'a certificate whose serial is void',
      { 'one-certificate': 'request $rejected, attempt 1' },
      [
        `insert into ledger.certificate select request_id, attempt, ca, serial, now(), now(), '' from ledger.serial where request_id = $rejected`,
      ],
    ],
    [
      'an issued end without a certificate',
      { issued: 'request $issued, attempt 1' },
      ['delete from ledger.certificate where request_id = $issued'],
    ],
    [
      'an issued end whose serial was burned',
      { issued: 'request $issued, attempt 1', revoked: ', serial ' },
      [`update ledger.serial set state = 'burned' where request_id = $issued`],
    ],
    [
      'an issued serial without an end',
      { issued: ', serial ' },
      [`update ledger.serial set state = 'issued' where request_id = $rejected`],
    ],
    [
      'an end that hides a burned serial',
      { withheld: 'request $burned: a serial was burned' },
      ['update ledger.outcome set withheld = false where request_id = $burned'],
    ],
    [
      'an end that speaks of a serial that was not burned',
      { withheld: 'request $expired: no serial was burned' },
      ['update ledger.outcome set withheld = true where request_id = $expired'],
    ],
    [
      'a burned serial that is not revoked',
      { revoked: ', serial ' },
      ['delete from ledger.revocation where request_id = $burned'],
    ],
    [
      'a claim at an epoch at which the CA was disabled',
      { permitted: 'ca-disabled at epoch' },
      [
        `insert into registry.change (epoch, operator, kind, subject, after) values (100, 'x', 'ca-disable', 'root', '{"state": "disabled"}')`,
        'update ledger.serial set epoch = 100 where request_id = $issued',
      ],
    ],
    [
      'a claim for a subscriber while the CA was being made',
      { permitted: 'ca-pending at epoch 2' },
      ['update ledger.serial set epoch = 2 where request_id = $issued'],
    ],
    [
      'an account that was changed and nobody was told',
      { sealed: 'account demo' },
      [`update registry.account set state = 'disabled' where name = 'demo'`],
    ],
    [
      'a CA that is told to be what it is not',
      { sealed: 'ca root' },
      [`update registry.entity set body = body || '{"state": "disabled"}' where name = 'root'`],
    ],
    [
      'a blocked key that nobody was told of',
      { sealed: 'blocked-keys all' },
      [`insert into registry.blocked_key values (sha256('x'), 'test', 'test', now(), 1)`],
    ],
    [
      'a hash of an entity that was not sealed',
      { sealed: 'version ' },
      [`update registry.entity set hash = sha256('x') where name = 'root'`],
    ],
    [
      'a digest that does not cover the entities',
      { sealed: 'version ' },
      [`update registry.version set digest = sha256('x') where epoch = (select max(epoch) from registry.version)`],
    ],
  ])('%s', async (_, expected, statements) => {
    const found = await audited(...statements);
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
    for (const [invariant, text] of Object.entries(expected)) {
      const named = text.replace(/\$(\w+)/g, (__, state: keyof typeof at) => at[state]);
      expect(found[invariant as AuditInvariant]?.[0]).toContain(named);
    }
  });
});

describe('the signers’ own audit', () => {
  const next = (requestsMax: number) => signer.ledger.audit(signer.caller, requestsMax);
  const marks = async () =>
    (await fixture.sql<{ recent: string; past: string }>('select recent, past from ledger.audit_mark'))[0];
  const rangeOf = (findings: readonly AuditFinding[]) =>
    findings.find(({ invariant }) => invariant === 'accounted')?.checked ?? 0;
  /** As if all of it had come a minute before now, after the last audit. */
  const setMarks = (recent: string, past: string) =>
    fixture.sql('update ledger.audit_mark set recent = $1, past = $2', recent, past);
  const first = '00000000-0000-0000-0000-000000000000';

  it('looks at what came since, range by range, then at the past, round and round', async () => {
    await fixture.sql(`update ledger.audit_mark set recent = ledger.uuid_floor(clock_timestamp() + interval '1 hour')`);
    const looked: number[] = [];
    for (let step = 0; step < 3; step += 1) looked.push(rangeOf((await next(4)).findings));
    expect(looked).toEqual([4, 4, 1]);
    expect((await marks())?.past).toBe(first);
    expect(rangeOf((await next(100)).findings)).toBe(9);
  });

  it('leaves the last half minute alone: what is on its way comes in late', async () => {
    const old = newRequestId(Date.now() - 60_000);
    await setMarks(old, first);
    expect(await next(4)).toMatchObject({ audited: true, behindMs: 0 });
    expect(
      Date.now() - Number.parseInt((await marks())?.recent.replaceAll('-', '').slice(0, 12) ?? '', 16),
    ).toBeGreaterThan(29_000);
  });

  it('says by how much it lags', async () => {
    const hourAgo = firstRequestId(Date.now() - 3_600_000);
    await planter.query('begin; set local session_replication_role = replica');
    for (const minutes of [50, 40])
      await planter.query(
        `insert into ledger.request (id, account, ca, key_group, class, purpose, content, spki, csr, fingerprint, payload_hash, accepted_by, accepted_at)
         values ($1, 'a', 'root', 'default', 'async', 'subscriber', '', '', '', '', '', 'x', now())`,
        [newRequestId(Date.now() - minutes * 60_000)],
      );
    await planter.query('commit');
    await setMarks(hourAgo, first);
    const step = await next(1);
    expect(step.behindMs).toBeGreaterThan(30 * 60_000);
    expect(broken(step.findings)).toHaveProperty('accounted');
  });

  it('goes on with the past in the same step when it has caught up, which it never has for long', async () => {
    await setMarks(newRequestId(Date.now() - 60_000), first);
    expect(broken((await next(1)).findings)).toHaveProperty('accounted'); // the first of those 50 minutes old
    expect((await marks())?.past).not.toBe(first);
  });

  it('is one signer’s at a time', async () => {
    await planter.query(`begin; select pg_advisory_xact_lock(hashtextextended('sluice:audit', 0))`);
    expect(await next(4)).toEqual({ audited: false, behindMs: 0, findings: [] });
    await planter.query('rollback');
    expect((await next(4)).audited).toBe(true);
  });
});
