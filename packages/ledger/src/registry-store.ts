import { SluiceError } from '@sluice/errors';
import { auditRange, auditScope, auditWhole } from './audit.js';
import { createBulkVerbs } from './bulk-verbs.js';
import { createDatabase, type Database, type DatabaseOptions, type Statement } from './database.js';
import { only } from './only.js';
import { createQueueStore } from './queue-store.js';
import type {
  AccountRow,
  BlockedKeyRow,
  CaRow,
  Change,
  KeyWorkWanted,
  NewProfile,
  ProfileRow,
  RegistryState,
  RegistryStore,
} from './registry-types.js';
import { requestHistory } from './request-history.js';
import { createStateVerbs } from './state-verbs.js';
import { createSubscriberStore } from './subscriber-store.js';
import { enrol, renew } from './subscriber-verbs.js';

const statement = (name: string, text: string): Statement => ({ name, text });
const caColumns = `name, key_group as "keyGroup", state, quarantined,
  array(select q.token from registry.ca_token q where q.ca = c.name and q.quarantined order by q.token collate "C") as "quarantinedTokens", key_algorithm as "keyAlgorithm", subject, subject_der as "subjectDer", spki, certificate,
  issuer, certificate_profile as "certificateProfile", epoch, created_at as "createdAt"`;
const statements = {
  epoch: statement('epoch', 'select epoch from registry.epoch'),
  // One statement, one snapshot: every part of the state is of the same epoch.
  state: statement(
    'registry_state',
    `select (select epoch from registry.epoch) as epoch,
      (select jsonb_agg(to_jsonb(c) order by c.name) from (select name, key_group, state, quarantined,
        array(select q.token from registry.ca_token q where q.ca = a.name and q.quarantined order by q.token collate "C") as quarantined_tokens, key_algorithm, subject, encode(subject_der, 'base64') as subject_der,
        encode(spki, 'base64') as spki, encode(certificate, 'base64') as certificate, issuer, certificate_profile, epoch::text as epoch, created_at from registry.ca a) c) as cas,
      (select jsonb_agg(to_jsonb(p) order by p.name) from (select p.name, p.ca, p.purpose, p.state, p.revision, v.document, p.epoch::text as epoch, p.created_at
        from registry.profile p join registry.profile_revision v on v.profile = p.name and v.revision = p.revision) p) as profiles,
      (select jsonb_agg(to_jsonb(a) order by a.name) from (select a.name, a.state, a.epoch::text as epoch, a.created_at, a.limits,
        array(select ap.profile from registry.account_profile ap where ap.account = a.name order by 1) as profiles,
        array(select encode(k.hash, 'hex') from registry.api_key k where k.account = a.name and k.state = 'in-force' order by 1) as api_key_hashes
        from registry.account a) a) as accounts,
      (select string_agg(b.spki_sha256, '' order by b.epoch) from registry.blocked_key b) as blocked_keys`,
  ),
  createCa: statement(
    'create_ca',
    'select registry.create_ca($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11) as epoch',
  ),
  applyProfile: statement('apply_profile', 'select * from registry.apply_profile($1, $2, $3, $4, $5::jsonb, $6, $7)'),
  createAccount: statement(
    'create_account',
    'select registry.create_account($1, $2, $3::text[], $4, $5::jsonb) as epoch',
  ),
  blockKey: statement('block_key', 'select * from registry.block_key($1, $2, $3)'),
  blockedKeys: statement(
    'blocked_keys',
    `select spki_sha256 as "spkiSha256", reason, blocked_by as "blockedBy", blocked_at as "blockedAt", epoch from registry.blocked_key order by epoch desc limit $1`,
  ),
  keyWorkWanted: statement(
    'key_work_wanted',
    `select w.purpose, c.* from registry.key_work_wanted() w cross join lateral (select ${caColumns} from registry.ca c where c.name = w.ca) c`,
  ),
  putKeyWork: statement('put_key_work', 'select registry.put_key_work($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as id'),
  operators: statement(
    'operators',
    'select name, public_key as "publicKey", role from registry.operator order by name',
  ),
  serviceKeys: statement(
    'service_keys',
    'select name, service, public_key as "publicKey" from registry.service_key order by name',
  ),
  makePartitions: statement('make_partitions', 'select ledger.make_partitions($1) as name'),
  purgeIdempotency: statement('purge_idempotency', 'select ledger.purge_idempotency($1) as purged'),
  partitionWatch: statement('partition_watch', 'select * from ledger.partition_watch()'),
};

interface StateRow {
  epoch: bigint;
  cas: CaJson[] | null;
  profiles: ProfileJson[] | null;
  accounts: AccountJson[] | null;
  blocked_keys: Uint8Array | null;
}
interface CaJson {
  name: string;
  key_group: string;
  state: CaRow['state'];
  quarantined: boolean;
  quarantined_tokens: string[];
  key_algorithm: string;
  subject: string;
  subject_der: string;
  spki: string | null;
  certificate: string | null;
  issuer: string;
  certificate_profile: string;
  epoch: string;
  created_at: string;
}
interface ProfileJson {
  name: string;
  ca: string;
  purpose: ProfileRow['purpose'];
  state: ProfileRow['state'];
  revision: number;
  document: Record<string, unknown>;
  epoch: string;
  created_at: string;
}
interface AccountJson {
  name: string;
  state: AccountRow['state'];
  epoch: string;
  created_at: string;
  profiles: string[];
  api_key_hashes: string[];
  limits: AccountRow['limits'];
}

const fromBase64 = (text: string): Uint8Array => Buffer.from(text, 'base64');
const toCa = (ca: CaJson): CaRow => ({
  name: ca.name,
  keyGroup: ca.key_group,
  state: ca.state,
  quarantined: ca.quarantined,
  quarantinedTokens: ca.quarantined_tokens,
  keyAlgorithm: ca.key_algorithm,
  subject: ca.subject,
  subjectDer: fromBase64(ca.subject_der),
  spki: ca.spki === null ? null : fromBase64(ca.spki),
  certificate: ca.certificate === null ? null : fromBase64(ca.certificate),
  issuer: ca.issuer,
  certificateProfile: ca.certificate_profile,
  epoch: BigInt(ca.epoch),
  createdAt: new Date(ca.created_at),
});
const toAccount = (account: AccountJson): AccountRow => ({
  name: account.name,
  state: account.state,
  profiles: account.profiles,
  apiKeyHashes: account.api_key_hashes.map((hash) => Buffer.from(hash, 'hex')),
  limits: account.limits,
  epoch: BigInt(account.epoch),
  createdAt: new Date(account.created_at),
});

async function readState(database: Database): Promise<RegistryState> {
  const [row] = await database.call<StateRow>(statements.state, []);
  if (row === undefined) throw new SluiceError('internal', 'The registry has no epoch: the database is not migrated');
  return {
    epoch: row.epoch,
    cas: (row.cas ?? []).map(toCa),
    profiles: (row.profiles ?? []).map((profile) => ({
      ...profile,
      epoch: BigInt(profile.epoch),
      createdAt: new Date(profile.created_at),
    })),
    accounts: (row.accounts ?? []).map(toAccount),
    blockedKeys: row.blocked_keys ?? new Uint8Array(),
  };
}

const profileValues = (profile: NewProfile | undefined): readonly unknown[] =>
  profile === undefined
    ? [null, null, null]
    : [JSON.stringify(profile.document), profile.timeToLiveS, profile.backdateS];

/** The registry and what it may read of the ledger, as issuer-registry may use them. */
export function createRegistryStore(options: DatabaseOptions): RegistryStore {
  const database = createDatabase(options);
  return {
    ...createSubscriberStore(database, options.url),
    ...createStateVerbs(database),
    ...createQueueStore(database),
    ...createBulkVerbs(database),
    enrol: (name, appliedEpoch) => enrol(database, name, appliedEpoch),
    renew: (caller, appliedEpoch, report) => renew(database, caller, appliedEpoch, report),
    state: () => readState(database),
    async epoch() {
      return (await only<{ epoch: bigint }>(database, statements.epoch, [])).epoch;
    },
    createCa: (operator, ca) =>
      only<Change>(database, statements.createCa, [
        operator,
        ca.name,
        ca.keyGroup,
        ca.keyAlgorithm,
        ca.subject,
        Buffer.from(ca.subjectDer),
        ca.issuer,
        ca.certificateProfile,
        ...profileValues(ca.selfProfile),
      ]),
    applyProfile: (operator, profile) =>
      only<Change & { revision: number; unchanged: boolean }>(database, statements.applyProfile, [
        operator,
        profile.name,
        profile.ca,
        profile.purpose,
        ...profileValues(profile),
      ]),
    createAccount: (operator, account) =>
      only<Change>(database, statements.createAccount, [
        operator,
        account.name,
        [...account.profiles],
        Buffer.from(account.apiKeyHash),
        JSON.stringify(account.limits ?? {}),
      ]),
    blockKey: (operator, key) =>
      only<Change & { unchanged: boolean }>(database, statements.blockKey, [
        operator,
        Buffer.from(key.spkiSha256),
        key.reason,
      ]),
    blockedKeys: (max) => database.call<BlockedKeyRow>(statements.blockedKeys, [max]),
    async keyWorkWanted() {
      const rows = await database.call<CaRow & { purpose: KeyWorkWanted['purpose'] }>(statements.keyWorkWanted, []);
      return rows.map(({ purpose, ...ca }) => ({ purpose, ca: ca as CaRow })); // the statement's columns are CaRow's
    },
    async putKeyWork(caller, work) {
      const values = [
        caller.name,
        caller.incarnation,
        work.requestId,
        work.purpose,
        work.ca,
        work.subjectCa,
        work.profile,
        work.keyGroup,
        work.content,
        Buffer.from(work.spki),
      ];
      return (await only<{ id: string }>(database, statements.putKeyWork, values)).id;
    },
    operators: () => database.call(statements.operators, []),
    serviceKeys: () => database.call(statements.serviceKeys, []),
    why: (requestId) => requestHistory(database, requestId),
    auditWhole: () => auditWhole(database),
    auditRange: (range) => auditRange(database, range),
    auditScope: () => auditScope(database),
    async purgeIdempotency(max) {
      return Number((await only<{ purged: bigint }>(database, statements.purgeIdempotency, [max])).purged);
    },
    async makePartitions(daysAhead) {
      const made = await database.call<{ name: string }>(statements.makePartitions, [daysAhead]);
      const watch = await only<{ days_ahead: number; rows_in_default: bigint }>(
        database,
        statements.partitionWatch,
        [],
      );
      return {
        made: made.map((row) => row.name),
        rowsInDefault: Number(watch.rows_in_default),
        daysAhead: watch.days_ahead,
      };
    },
    close: () => database.close(),
  };
}
