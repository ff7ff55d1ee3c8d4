import { randomBytes, randomUUID } from 'node:crypto';
import type { Breakers } from '@sluice/breaker';
import { SluiceError } from '@sluice/errors';
import type { RequestClass } from '@sluice/issuance';
import {
  type AcceptRow,
  type Caller,
  type ClaimedRequest,
  type ClaimOptions,
  type ClaimResult,
  type Completion,
  createDatabase as connect,
  createIdentityLedger,
  createRegistryStore,
  createSignerLedger,
  type Database,
  enrolOperator,
  type IdentityLedger,
  type IdentityLedgerOptions,
  migrate,
  newRequestId,
  type RegistryStore,
  roleName,
  type ServiceName,
  type SignerLedger,
  serviceNames,
  setUpRoles,
} from '@sluice/ledger';
import { createDatabase } from '@sluice/local-stack';
import { sharedPostgres } from '@sluice/testkit';
import { Client } from 'pg';
import { expect } from 'vitest';

export const compiler = 'test-1';

/** A signer as the tests move it by hand. */
export interface TestSigner {
  readonly ledger: SignerLedger;
  readonly caller: Caller;
  /** Claims from lane interactive.default by default, with serials of its own. */
  claim(countMax: number, more?: Partial<ClaimOptions> & { class?: RequestClass }): Promise<ClaimResult>;
}

/**
 * A database of its own on the run's PostgreSQL, migrated, with a root CA `root` (made by completing key work), a
 * profile `tls` of it, the accounts `demo`, `other` and `third`, and the approvers `alice`, `bob` and `carol`.
 */
export interface LedgerFixture {
  readonly adminUrl: string;
  readonly database: string;
  readonly registry: RegistryStore;
  /** As the superuser. Throws SluiceError with pg's error as its cause. */
  sql<R extends object>(text: string, ...values: unknown[]): Promise<R[]>;
  urlOf(service: ServiceName): string;
  /** A connection of that service's role, for statements that are not its verbs. */
  connect(service: ServiceName, poolMax?: number, breakers?: Breakers): Database;
  identity(name: string, options?: Partial<IdentityLedgerOptions>): Promise<IdentityLedger>;
  signer(name: string, poolMax?: number): Promise<TestSigner>;
  /** An active CA beside the root, with a profile `NAME-tls` that every account may use. */
  makeCa(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Resolves when somebody holds that lock on that table of this database. */
export async function untilLocked({ sql }: LedgerFixture, table: string, mode: string): Promise<void> {
  const text = `select from pg_locks where relation = $1::regclass and mode = $2 and granted and database = (select oid from pg_database where datname = current_database())`;
  await expect.poll(() => sql(text, table, mode), soon).not.toEqual([]);
}

/** Resolves when statements of so many other connections wait for a lock in this database. */
export async function untilWaiting({ sql }: LedgerFixture, count = 1): Promise<void> {
  const text = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  await expect.poll(async () => (await sql(text)).length, soon).toBeGreaterThanOrEqual(count);
}

/** Does it while nobody else can so much as read that table. */
export async function whileLocked(
  { adminUrl }: LedgerFixture,
  table: string,
  work: () => Promise<unknown>,
): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(`begin; lock table ${table} in access exclusive mode`);
    await work();
  } finally {
    await client.end();
  }
}

/** For expect.poll: looks often, and has patience with a slow machine. */
export const soon = { interval: 10, timeout: 20_000 } as const;

/** PL/pgSQL that goes on when a statement of another connection waits for a lock in this database. */
export const untilSomebodyWaits = `
  while not exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock') loop
    perform pg_sleep(0.01);
    perform pg_stat_clear_snapshot();
  end loop;`;

/** Serials of 16 octets, positive. */
export const newSerials = (count: number): Uint8Array[] =>
  Array.from({ length: count }, () => Uint8Array.of(0x41, ...randomBytes(15)));

/** A request that nobody made before. */
export const newRow = (more: Partial<AcceptRow> = {}): AcceptRow => ({
  requestId: newRequestId(Date.now()),
  account: 'demo',
  profile: 'tls',
  // Newer than what any of these tests confirms.
  epoch: 1_000_000n,
  profileRevision: 1,
  ca: 'root',
  keyGroup: 'default',
  class: 'interactive',
  content: '{}',
  spki: randomBytes(91),
  evidence: { csr: randomBytes(200) },
  fingerprint: randomBytes(32),
  payloadHash: Buffer.alloc(32, 1),
  waitMs: 60_000,
  ...more,
});

/** Throws when it joins instead. */
export async function acceptOne(
  front: IdentityLedger,
  more: Partial<AcceptRow> = {},
): Promise<{ requestId: string; deadline: string }> {
  const result = await front.accept(newRow(more));
  if (result.verdict !== 'accepted') throw new Error(`it was ${result.verdict}`);
  return result;
}

/** Accepts that many alike and returns their ids. */
export async function acceptMany(
  front: IdentityLedger,
  count: number,
  more: Partial<AcceptRow> = {},
): Promise<string[]> {
  const results = await Promise.all(Array.from({ length: count }, () => acceptOne(front, more)));
  return results.map(({ requestId }) => requestId);
}

/** Accepts one and claims it. */
export async function claimNew(
  front: IdentityLedger,
  signer: TestSigner,
  more: Partial<AcceptRow> = {},
): Promise<ClaimedRequest> {
  return claimIt(signer, (await acceptOne(front, more)).requestId);
}

export async function claimIt(signer: TestSigner, requestId: string): Promise<ClaimedRequest> {
  const [row] = (await signer.claim(1, { requestIds: [requestId] })).claimed;
  if (row === undefined) throw new Error('it was not to be claimed');
  return row;
}

/** A hold in force for an hour; what is not named matches everything. */
export async function hold(
  { sql }: LedgerFixture,
  what: { ca?: string; profile?: string; account?: string; class?: string; fraction?: number },
): Promise<void> {
  await sql(
    `insert into registry.hold (ca, profile, account, class, fraction, reason, operator, expires_at)
     select ca, profile, account, class, fraction, 'test', 'alice', now() + interval '1 h' from jsonb_to_record($1::jsonb) r (ca text, profile text, account text, class text, fraction float)`,
    JSON.stringify(what),
  );
}

export async function liftHolds({ sql }: LedgerFixture): Promise<void> {
  await sql('update registry.hold set lifted_at = now() where lifted_at is null');
}

/** Nothing of one test is held, or left to be claimed by the next. */
export async function clear(fixture: LedgerFixture): Promise<void> {
  const { sql } = fixture;
  await liftHolds(fixture);
  await sql('update registry.ca set quarantined = false where quarantined');
  await sql('delete from registry.ca_token');
  // As replicas apply changes: without triggers.
  await sql(
    `do $$ begin
       set local session_replication_role = replica;
       delete from ledger.work;
       delete from ledger.shelf;
       delete from ledger.open_fingerprint;
     end $$`,
  );
}

/** What a signer would bring for a claimed row; the ledger stores bytes and does not read them. */
/** Brings an open request's deadline to where `decide` may let it expire; returns that deadline. */
export async function dueNow({ sql }: LedgerFixture, requestId: string): Promise<string> {
  const [row] = await sql<{ micros: string }>(
    `update ledger.work set deadline = clock_timestamp() + interval '200 ms' where request_id = $1
     returning ledger.micros(deadline)::text as micros`,
    requestId,
  );
  if (row === undefined) throw new Error(`${requestId} is not open`);
  return row.micros;
}

export const completionOf = (row: ClaimedRequest): Completion => ({
  requestId: row.requestId,
  attempt: row.attempt,
  serial: row.serial,
  certificate: randomBytes(300),
  notBefore: row.notBefore,
  notAfter: new Date(row.notBefore.getTime() + 600_000),
});

/** SQLSTATE with which the server refused, or undefined when it did not. */
export async function refusedWith(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (thrown) {
    const cause = thrown instanceof SluiceError ? thrown.cause : undefined;
    if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
    throw thrown;
  }
}

/** The code of the SluiceError it throws, or undefined when it throws none. */
export async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (thrown) {
    if (thrown instanceof SluiceError) return thrown.code;
    throw thrown;
  }
}

export async function createLedgerFixture(prefix: string): Promise<LedgerFixture> {
  const adminUrl = await createDatabase(await sharedPostgres(), prefix);
  await migrate(adminUrl);
  const fixture = await openLedgerFixture(adminUrl);
  for (const name of ['alice', 'bob', 'carol']) await enrolOperator(adminUrl, { name, publicKey: randomBytes(44) });
  await makeHierarchy(fixture);
  return fixture;
}

/** A migrated database without a hierarchy; its service roles may log in from now on. */
export async function openLedgerFixture(adminUrl: string): Promise<LedgerFixture> {
  const password = randomBytes(12).toString('hex');
  const database = new URL(adminUrl).pathname.slice(1);
  const passwords = Object.fromEntries(serviceNames.map((name) => [name, password])) as Record<ServiceName, string>;
  await setUpRoles(adminUrl, passwords);
  const open: { close(): Promise<void> }[] = [];
  const kept = <T extends { close(): Promise<void> }>(what: T): T => {
    open.push(what);
    return what;
  };
  const urlOf = (service: ServiceName): string => {
    const url = new URL(adminUrl);
    url.username = roleName(database, service);
    url.password = password;
    return url.href;
  };
  const admin = kept(connect({ url: adminUrl, poolMax: 4 }));
  const registry = kept(createRegistryStore({ url: urlOf('issuer-registry'), poolMax: 2 }));
  const sql = <R extends object>(text: string, ...values: unknown[]): Promise<R[]> =>
    admin.call<R>({ name: '', text }, values);

  return {
    adminUrl,
    database,
    registry,
    sql,
    urlOf,
    connect: (service, poolMax, breakers) => kept(connect({ url: urlOf(service), poolMax, breakers })),
    async identity(name, options) {
      const ledger = kept(createIdentityLedger({ url: urlOf('identity-api'), poolMax: 6, ...options }));
      await ledger.enrol(name);
      return ledger;
    },
    async signer(name, poolMax = 4) {
      const ledger = kept(createSignerLedger({ url: urlOf('signer'), poolMax }));
      const caller = await ledger.enrol(name);
      return {
        ledger,
        caller,
        claim: (countMax, { class: lane = 'interactive', ...more } = {}) =>
          ledger.claim({
            caller,
            claimId: randomUUID(),
            lane: { class: lane, keyGroup: 'default' },
            countMax,
            serials: newSerials(countMax),
            compiler,
            leaseMs: 10_000,
            ...more,
          }),
      };
    },
    async makeCa(name) {
      await sql(
        `with change as (select registry.record_change('alice', 'ca-create', $1, null, null, null) as epoch)
         insert into registry.ca (name, key_group, state, key_algorithm, subject, subject_der, issuer, certificate_profile, epoch)
         select $1, 'default', 'pending', 'ec-p256', '{}', $2, 'root', 'root-ca', epoch from change`,
        name,
        randomBytes(20),
      );
      await sql(
        `with change as (select registry.record_change('alice', 'ca-active', $1, null, null, '{"state": "active"}') as epoch)
         update registry.ca set state = 'active', spki = '\\x01', certificate = '\\x02', not_after = now() + interval '1 year', epoch = change.epoch
         from change where name = $1`,
        name,
      );
      const profile = { name: `${name}-tls`, ca: name, purpose: 'subscriber', document: {} } as const;
      await registry.applyProfile('alice', { ...profile, timeToLiveS: 86_400, backdateS: 0 });
      await sql(
        `insert into registry.template values ($1, 1, $2, $3, 'test')`,
        profile.name,
        compiler,
        randomBytes(32),
      );
    },
    async close() {
      for (const what of open.reverse()) await what.close();
    },
  };
}

async function makeHierarchy({ registry, signer }: LedgerFixture): Promise<void> {
  const operator = 'alice';
  const times = { timeToLiveS: 86_400, backdateS: 60 };
  const self = { name: 'root-ca', ca: 'root', purpose: 'ca-certificate', document: { a: 1 }, ...times } as const;
  await registry.createCa(operator, {
    name: 'root',
    keyGroup: 'default',
    keyAlgorithm: 'ec-p256',
    subject: '{}',
    subjectDer: randomBytes(20),
    issuer: 'root',
    certificateProfile: 'root-ca',
    selfProfile: self,
  });
  const caller = await registry.enrol('registry-1');
  const work = { ca: 'root', subjectCa: 'root', keyGroup: 'default', content: '{}', spki: randomBytes(50) };
  const maker = await signer('hierarchy', 1);
  const template = (profile: string) => ({ profile, revision: 1, hash: randomBytes(32) });
  await maker.ledger.registerTemplates(maker.caller, compiler, [template('root-ca')]);

  const claimOne = async (purpose: 'generate' | 'ca-certificate', profile: string | null): Promise<ClaimedRequest> => {
    await registry.putKeyWork(caller, { ...work, requestId: newRequestId(Date.now()), purpose, profile });
    const [row] = (await maker.claim(1, { class: 'async' })).claimed;
    if (row === undefined) throw new Error(`the ${purpose} of the root was not to be claimed`);
    return row;
  };
  const generate = await claimOne('generate', null);
  await maker.ledger.completeGenerate(maker.caller, { ...generate, spki: work.spki });
  const certificate = await claimOne('ca-certificate', 'root-ca');
  await maker.ledger.completeCaCertificate(maker.caller, completionOf(certificate));

  const tls = { name: 'tls', ca: 'root', purpose: 'subscriber', document: { x: 1 }, ...times } as const;
  await registry.applyProfile(operator, tls);
  await maker.ledger.registerTemplates(maker.caller, compiler, [template('tls')]);
  for (const name of ['demo', 'other', 'third'])
    await registry.createAccount(operator, { name, profiles: ['tls'], apiKeyHash: randomBytes(32) });
}

/** As subscribers whose streams were just opened: what each of them is told. */
export async function acknowledge(
  registry: RegistryStore,
  callers: readonly Caller[],
  epoch: bigint,
): Promise<('acknowledged' | 'conflict')[]> {
  const nonce = randomBytes(16);
  for (const { name, incarnation } of callers) {
    await registry.openStream(name, incarnation, nonce, 0n).catch((error: SluiceError) => {
      if (error.code !== 'fenced') throw error;
    });
  }
  return registry.acknowledge(callers.map((caller) => ({ ...caller, epoch, nonce })));
}
