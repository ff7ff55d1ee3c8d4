import { testProfiles } from '@sluice/testkit';
import { Client } from 'pg';

export interface PreloadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly weeks: number;
}

const rowsPerCommit = 20_000;
const weeks = 12;

/**
 * Issued requests of the last twelve weeks, as many as asked for, evenly spread over their partitions, with serial,
 * end and certificate: written as a replica writes (no trigger runs), and then looked at by the live audit, so that
 * what is measured afterwards is a ledger that could have come about. `progress` hears how many are there.
 */
export async function preload(
  adminUrl: string,
  requests: number,
  progress: (done: number) => void,
): Promise<PreloadResult> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  const beganAtMs = performance.now();
  try {
    for (let week = 1; week <= weeks; week += 1)
      await client.query('select ledger.make_partitions(1, clock_timestamp() - make_interval(weeks => $1))', [week]);
    await client.query('set session_replication_role = replica; set synchronous_commit = off');
    for (let done = 0; done < requests; done += rowsPerCommit) {
      await client.query('begin');
      await client.query(fillRows, [
        done,
        Math.min(requests, done + rowsPerCommit),
        requests,
        weeks,
        testProfiles.p256,
      ]);
      for (const statement of copies) await client.query(statement);
      await client.query('drop table fresh; commit');
      progress(Math.min(requests, done + rowsPerCommit));
    }
    await client.query('set session_replication_role = origin; set synchronous_commit = on');
    await client.query('vacuum (analyze) ledger.request, ledger.outcome, ledger.certificate, ledger.serial');
    await client.query('checkpoint');
    await lookAtIt(client);
    return { requests, seconds: (performance.now() - beganAtMs) / 1000, weeks };
  } finally {
    await client.end();
  }
}

/** What all rows of one request need, once: the newest issued request is the pattern, so that widths are real ones. */
const fillRows = `create temporary table fresh as
  with pattern as (
    select r.account, r.profile_revision, r.ca, r.key_group, r.class, r.content, r.spki, r.csr, r.payload_hash, s.compiler, s.template_hash, s.epoch, c.der
    from ledger.request r join ledger.serial s on s.request_id = r.id and s.state = 'issued'
    join ledger.certificate c on c.request_id = s.request_id and c.attempt = s.attempt
    where r.profile = $5::text order by r.id desc limit 1)
  select p.*, $5::text as profile, md5(g.i || '-' || random()) as hash, n.at,
    (lpad(to_hex(floor(extract(epoch from n.at) * 1000)::bigint), 12, '0') || '7' || substr(md5(g.i::text || random()), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid as id
  from pattern p cross join generate_series($1::integer, $2::integer - 1) g (i)
  cross join lateral (select now() - make_interval(weeks => $4::integer) + (interval '1 week' * $4::integer - interval '1 day') * (g.i::double precision / $3::integer) as at) n`;

const copies = [
  `insert into ledger.request (id, account, profile, profile_revision, ca, key_group, class, purpose, content, spki, csr, fingerprint, idempotency_key, payload_hash, accepted_by, accepted_at)
   select id, account, profile, profile_revision, ca, key_group, class, 'subscriber', content, spki, csr, decode(hash || hash, 'hex'), hash, payload_hash, 'preload', at from fresh`,
  `insert into ledger.serial (ca, serial, request_id, attempt, state, claim_id, signer, claimed_at, lease_until, not_before, profile, profile_revision, compiler, template_hash, epoch)
   select ca, decode('41' || substr(hash, 1, 30), 'hex'), id, 1, 'issued', id, 'preload', at, at + interval '10 s', at, profile, profile_revision, compiler, template_hash, epoch from fresh`,
  `insert into ledger.certificate (request_id, attempt, ca, serial, not_before, not_after, der, stored_at)
   select id, 1, ca, decode('41' || substr(hash, 1, 30), 'hex'), at, at + interval '90 days', der, at from fresh`,
  `insert into ledger.outcome (request_id, state, attempt, serial, ended_by, ended_at)
   select id, 'issued', 1, decode('41' || substr(hash, 1, 30), 'hex'), 'preload', at from fresh`,
];

/** Throws when what was loaded breaks an invariant: its first 100,000 requests stand for the rest, which is made alike. */
async function lookAtIt(client: Client): Promise<void> {
  let from = '00000000-0000-0000-0000-000000000000';
  const until = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  for (let ranges = 0; ranges < 20 && from !== until; ranges += 1) {
    const { rows: ends } = await client.query<{ id: string }>('select ledger.audit_end($1, $2, 5000) as id', [
      from,
      until,
    ]);
    const to = ends[0]?.id ?? until;
    const { rows } = await client.query<{ invariant: string; rows: string[] }>(
      'select invariant, rows from ledger.audit($1, $2) where found > 0',
      [from, to],
    );
    if (rows.length > 0) throw new Error(`the preloaded ledger breaks ${rows[0]?.invariant}: ${rows[0]?.rows[0]}`);
    from = to;
  }
}
