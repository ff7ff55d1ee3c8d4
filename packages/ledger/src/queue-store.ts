import type { Database, Statement } from './database.js';
import { only } from './only.js';
import type { HoldRow, NewestEnds, QueueRow, QueueStore } from './queue-types.js';

/** A look costs some 10 µs a row, whatever the load. */
const endsMax = 5000;

const statement = (name: string, text: string): Statement => ({ name, text });
const statements = {
  // Held as in ledger.count_lanes: asked once per (account, CA, profile). The id of a request bears the front end's clock:
  // hence ten seconds more of them than asked for.
  queue: statement(
    'queue',
    `with flow as (
       select w.class, w.key_group, w.ca, w.account, w.profile, count(*) filter (where w.state = 'queued') as queued,
         count(*) filter (where w.state = 'signing') as signing, min(coalesce(w.returned_at, w.accepted_at)) filter (where w.state = 'queued') as oldest
       from ledger.work w group by 1, 2, 3, 4, 5),
     judged as (
       select f.*, coalesce(c.quarantined, false) or exists (
           select from registry.hold h where h.lifted_at is null and h.expires_at > clock_timestamp() and h.fraction is null and h.before_id is null
             and (h.key_group is null or h.key_group = f.key_group)
             and (h.ca is null or h.ca = f.ca) and (h.profile is null or h.profile = f.profile)
             and (h.account is null or h.account = f.account) and (h.class is null or h.class = f.class)) as held
       from flow f left join registry.ca c on c.name = f.ca),
     by_account as (
       select j.class, j.key_group, j.ca, j.account, sum(j.queued) as queued, sum(j.signing) as signing,
         coalesce(sum(j.queued) filter (where j.held), 0) as held, min(j.oldest) filter (where not j.held) as oldest
       from judged j group by 1, 2, 3, 4),
     open as (
       select a.class, a.key_group, a.ca, sum(a.queued) as queued, sum(a.signing) as signing, sum(a.held) as held, min(a.oldest) as oldest,
         (array_agg(a.account order by a.queued + a.signing desc, a.account))[1] as top_account, max(a.queued + a.signing) as top_open
       from by_account a group by 1, 2, 3),
     shelved as (
       select s.class, s.key_group, s.ca, count(*) filter (where s.state = 'parked') as parked, count(*) filter (where s.state = 'failed') as failed
       from ledger.shelf s group by 1, 2, 3),
     arrived as (
       select r.class, r.key_group, r.ca, count(*) as accepted from ledger.request r
       where r.id >= ledger.uuid_floor($1::timestamptz - interval '10 s') and r.accepted_at > $1 and r.accepted_at <= statement_timestamp() group by 1, 2, 3)
     select statement_timestamp() as at, class, key_group as "keyGroup", ca, coalesce(o.queued, 0)::integer as queued, coalesce(o.signing, 0)::integer as signing,
       coalesce(o.held, 0)::integer as held, coalesce(s.parked, 0)::integer as parked, coalesce(s.failed, 0)::integer as failed,
       coalesce(greatest(0, extract(epoch from clock_timestamp() - o.oldest) * 1000), 0)::float8 as "oldestAgeMs",
       coalesce(a.accepted, 0)::integer as accepted, o.top_account as "topAccount", coalesce(o.top_open, 0)::integer as "topOpen"
     from (select) one left join (open o full join shelved s using (class, key_group, ca) full join arrived a using (class, key_group, ca)) on true
     order by 2, 3, 4`,
  ),
  // Each request by its primary key, whatever the planner believes of the tables' sizes.
  newestEnds: statement(
    'newest_ends',
    `select clock_timestamp() - interval '10 min' as earliest, e.* from (select) one left join (
     select count(*)::integer as count, min(r.accepted_at) as since, r.ca, r.account, o.state, o.code
     from (select x.request_id, x.state, x.code from ledger.outcome x
           where x.request_id >= ledger.uuid_floor(clock_timestamp() - interval '10 min') order by x.request_id desc limit ${endsMax}) o
     cross join lateral (select q.ca, q.account, q.accepted_at from ledger.request q where q.id = o.request_id offset 0) r
     group by r.ca, r.account, o.state, o.code) e on true order by e.count desc`,
  ),
  holds: statement(
    'holds',
    `select ca, profile, account, class, key_group as "keyGroup", fraction, reason, operator, expires_at as "expiresAt",
       to_timestamp(('x' || left(replace(before_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0) as "arrivedBefore" from registry.hold
     where lifted_at is null and expires_at > clock_timestamp() order by expires_at desc limit 100`,
  ),
  vacuumWatch: statement(
    'vacuum_watch',
    `select dead_rows::float8 as "deadRows", oldest_transaction_ms::float8 as "oldestTransactionMs", held_by as "heldBy" from ledger.vacuum_watch()`,
  ),
};

/** There is a row that tells the time when there is nothing else to tell. */
type OrNothing<R extends object> = R | { readonly [K in keyof R]: null };
type Told = { readonly at: Date } & OrNothing<QueueRow>;
type EndRow = { readonly earliest: Date } & OrNothing<NewestEnds['groups'][number] & { readonly since: Date }>;

/** What issuer-registry reads of the queue. Nothing is changed; whoever asks decides how often. */
export function createQueueStore(database: Database): QueueStore {
  return {
    async queue(since) {
      const told = await database.call<Told>(statements.queue, [since ?? null]);
      const rows = told.flatMap(({ at: _, ...row }) => (row.class === null ? [] : [row]));
      return { at: told[0]?.at ?? new Date(0), rows };
    },
    async newestEnds() {
      const told = await database.call<EndRow>(statements.newestEnds, []);
      const ends = told.flatMap(({ earliest: _, ...end }) => (end.count === null ? [] : [end]));
      const count = ends.reduce((sum, end) => sum + end.count, 0);
      const oldest = Math.min(...ends.map(({ since }) => since.getTime()));
      return {
        since: count < endsMax ? (told[0]?.earliest ?? new Date(0)) : new Date(oldest),
        groups: ends.map(({ since: _, ...group }) => group),
      };
    },
    holds: () => database.call<HoldRow>(statements.holds, []),
    vacuumWatch: () => only(database, statements.vacuumWatch, []),
  };
}
