import { SluiceError } from '@sluice/errors';
import type { Database, Statement } from './database.js';
import { listenForEpochs } from './epoch-listener.js';
import { only } from './only.js';
import { type DecidedRow, toDecided } from './state-verbs.js';
import type {
  ChangeRow,
  Entities,
  ProposalRow,
  StreamStanding,
  SubscriberRow,
  SubscriberStore,
  Version,
} from './subscriber-types.js';

const statement = (name: string, text: string): Statement => ({ name, text });
const statements = {
  version: statement('version', 'select epoch, digest from registry.version order by epoch desc limit 1'),
  digest: statement('digest', 'select digest from registry.version where epoch = $1'),
  // One statement, one snapshot: the entities are those of the version.
  entities: statement(
    'entities',
    `select v.epoch, v.digest, e.bodies, b.keys from (select epoch, digest from registry.version order by epoch desc limit 1) v
     cross join lateral (select coalesce(jsonb_object_agg(k.kind, k.bodies), '{}') as bodies from (
       select x.kind, jsonb_agg(x.body order by x.name collate "C") as bodies from registry.entity x where x.epoch > $1 and x.kind <> 'blocked-keys' group by x.kind) k) e
     cross join lateral (select coalesce(array_agg(y.spki_sha256 order by y.epoch), '{}') as keys from registry.blocked_key y where y.epoch > $1) b`,
  ),
  // A claim that the change was late for was made of a request that had come a little before it, or is open still.
  change: statement(
    'change',
    `select c.epoch, c.changed_at as "changedAt", c.kind, c.subject, c.operator, (
       select max(s.claimed_at) from ledger.serial s join ledger.request r on r.id = s.request_id
       where r.purpose = 'subscriber' and s.epoch < c.epoch and c.subject = case split_part(c.kind, '-', 1) when 'ca' then r.ca when 'profile' then r.profile when 'account' then r.account end
         and (s.request_id between ledger.uuid_floor(c.changed_at - interval '1 minute') and ledger.uuid_floor(c.changed_at + interval '5 s')
           or s.request_id in (select w.request_id from ledger.work w where w.state = 'signing'))) as "lastClaimAt"
     from registry.change c where c.epoch = $1`,
  ),
  openStream: statement(
    'open_stream',
    'select history, restored_epoch as "restoredEpoch", sealed from registry.open_stream($1, $2, $3, $4)',
  ),
  stream: statement(
    'stream',
    'select incarnation, stream_nonce as nonce from registry.subscriber where name = $1 and not fenced and stream_nonce is not null',
  ),
  acknowledge: statement(
    'acknowledge',
    'select * from registry.acknowledge($1::text[], $2::bigint[], $3::bigint[], $4::bytea[]) order by ordinal',
  ),
  refuse: statement('refuse', 'select registry.refuse($1, $2, $3, $4, $5)'),
  fenceExpired: statement('fence_expired', 'select registry.fence_expired() as name'),
  confirm: statement('confirm', 'select registry.confirm() as epoch'),
  subscribers: statement(
    'subscribers',
    `select name, service, incarnation, lease_until as "leaseUntil", fenced, applied_epoch as "appliedEpoch", floor_epoch as "floorEpoch",
       acknowledged_epoch as "acknowledgedEpoch", acknowledged_at as "acknowledgedAt", heard_at as "heardAt",
       refused_epoch as "refusedEpoch", refused_code as "refusedCode", refused_reason as "refusedReason",
       token, key_group as "keyGroup", enrolled_at as "enrolledAt", renewed_at as "renewedAt", reported
     from registry.subscriber order by service, name`,
  ),
  confirmed: statement('confirmed', 'select epoch from registry.confirmed'),
  // As registry.propose and its callers find them: what the subject was when it was proposed, it still is.
  proposals: statement(
    'proposals',
    `select o.verb, o.subject, o.reason, o.proposed_by as "proposedBy", o.expires_at as "expiresAt" from registry.proposal o
     where o.approved_by is null and o.expires_at > clock_timestamp() and o.basis = case o.verb
       when 'subscriber-forget' then (select s.incarnation from registry.subscriber s where s.name = o.subject)
       when 'registry-restored' then (select e.epoch from registry.epoch e)
       else (select c.epoch from registry.ca c where c.name = o.subject) end
     order by o.id`,
  ),
  quarantines: statement(
    'quarantines',
    `select c.name as ca, null as token from registry.ca c where c.quarantined
     union all select q.ca, q.token from registry.ca_token q where q.quarantined order by ca, token nulls first`,
  ),
  heard: statement('heard_epoch', 'select registry.heard_epoch() as epoch'),
  admitRestore: statement('admit_restore', 'select * from registry.admit_restore($1, $2, $3)'),
  forget: statement('forget_subscriber', 'select * from registry.forget_subscriber($1, $2, $3)'),
};

interface EntitiesRow extends Version {
  readonly bodies: Partial<Record<'ca' | 'profile' | 'account', object[]>>;
  readonly keys: Uint8Array[];
}

const bytes = (value: Uint8Array): Buffer => Buffer.from(value.buffer, value.byteOffset, value.byteLength);

async function entitiesSince(database: Database, epoch: bigint): Promise<Entities> {
  const { bodies, keys, ...version } = await only<EntitiesRow>(database, statements.entities, [epoch]);
  return {
    ...version,
    cas: bodies.ca ?? [],
    profiles: bodies.profile ?? [],
    accounts: bodies.account ?? [],
    blockedKeys: keys,
  };
}

/** What the push keeps in the ledger, as issuer-registry may use it. `url`: for the connection that listens. */
export function createSubscriberStore(database: Database, url: string): SubscriberStore {
  return {
    versionNow: () => only<Version>(database, statements.version, []),
    entitiesSince: (epoch) => entitiesSince(database, epoch),
    async digestOf(epoch) {
      const [row] = await database.call<{ digest: Uint8Array }>(statements.digest, [epoch]);
      return row?.digest;
    },
    async changeAt(epoch) {
      const [row] = await database.call<ChangeRow & { lastClaimAt: Date | null }>(statements.change, [epoch]);
      return row && { ...row, lastClaimAt: row.lastClaimAt ?? undefined };
    },
    onEpoch: (listener) => listenForEpochs(url, listener),
    openStream: (name, incarnation, nonce, heldEpoch) =>
      only<StreamStanding>(database, statements.openStream, [name, incarnation, bytes(nonce), heldEpoch]),
    async streamOf(name) {
      const [row] = await database.call<{ incarnation: bigint; nonce: Uint8Array }>(statements.stream, [name]);
      return row;
    },
    async acknowledge(acks) {
      const rows = await database.call<{ ordinal: number; verdict: 'acknowledged' | 'conflict' }>(
        statements.acknowledge,
        [
          acks.map(({ name }) => name),
          acks.map(({ incarnation }) => incarnation),
          acks.map(({ epoch }) => epoch),
          acks.map(({ nonce }) => bytes(nonce)),
        ],
      );
      if (rows.length !== acks.length) throw new SluiceError('internal', 'acknowledge lost an answer');
      return rows.map(({ verdict }) => verdict);
    },
    async refuse({ name, incarnation, epoch, code, reason }) {
      await database.call(statements.refuse, [name, incarnation, epoch, code, reason]);
    },
    async fenceExpired() {
      return (await database.call<{ name: string }>(statements.fenceExpired, [])).map(({ name }) => name);
    },
    async confirm() {
      return (await only<{ epoch: bigint }>(database, statements.confirm, [])).epoch;
    },
    async confirmedEpoch() {
      return (await only<{ epoch: bigint }>(database, statements.confirmed, [])).epoch;
    },
    async heardEpoch() {
      return (await only<{ epoch: bigint }>(database, statements.heard, [])).epoch;
    },
    async admitRestore(operator, past, reason) {
      const row = await only<DecidedRow>(database, statements.admitRestore, [operator, past, reason]);
      return { epoch: row.epoch, ...toDecided(row) };
    },
    subscribers: () => database.call<SubscriberRow>(statements.subscribers, []),
    quarantines: () => database.call(statements.quarantines, []),
    proposals: () => database.call<ProposalRow>(statements.proposals, []),
    async forgetSubscriber(operator, name, reason) {
      return toDecided(await only<DecidedRow>(database, statements.forget, [operator, name, reason]));
    },
  };
}
