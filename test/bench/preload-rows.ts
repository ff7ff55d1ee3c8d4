/**
 * The SQL of the preload. Everything about a row follows from its number, so that connections which fill different
 * tables agree without talking. Of a thousand requests 985 are issued at their first attempt, 5 at their second (the
 * first serial is burned and revoked), and 10 expire unclaimed.
 */

/** In the pattern's name; each row has its number there. */
export const numberInName = '00000000';

/**
 * $1: the request that was really issued, for `client-00000000.example`. Where its certificate and its CSR say what is
 * different in each: the name, the serial, the validity, the point of the public key (the last 64 octets of a P-256
 * SubjectPublicKeyInfo), and the last 30 octets of the signature.
 */
export const createPattern = `create temporary table pattern as
  select r.*, s.compiler, s.template_hash, s.epoch, s.signer, c.der, c.not_after - c.not_before as life,
    position(s.serial in c.der) as serial_at,
    position(convert_to(to_char(c.not_before at time zone 'UTC', 'YYMMDDHH24MISS"Z"'), 'UTF8') in c.der) as from_at,
    position(convert_to(to_char(c.not_after at time zone 'UTC', 'YYMMDDHH24MISS"Z"'), 'UTF8') in c.der) as until_at,
    position('${numberInName}'::bytea in c.der) as name_at, position(substr(r.spki, 28) in c.der) as point_at,
    length(c.der) - 29 as signature_at,
    position('${numberInName}'::bytea in r.csr) as csr_name_at, position(substr(r.spki, 28) in r.csr) as csr_point_at,
    length(r.csr) - 29 as csr_signature_at, position('${numberInName}' in r.content) as content_at
  from ledger.request r join ledger.serial s on s.request_id = r.id join ledger.certificate c on c.request_id = r.id and c.attempt = s.attempt
  where r.id = $1::uuid`;

/** $1 and $2: numbers from and to (without), $3: milliseconds since 1970 of number 0, $4: from one to the next. */
export const createFresh = `create temporary table fresh on commit drop as
  select lpad(g.i::text, 8, '0') as number, to_timestamp(n.ms / 1000.0::float8) as at, h.noise,
    (lpad(to_hex(n.ms), 12, '0') || '7' || substr(x.hex, 1, 3) || '8' || substr(x.hex, 4, 15))::uuid as id,
    substr(x.hex, 32, 32)::uuid as key,
    n.day || substr(h.noise, 1, 13) as serial, n.day || substr(h.noise, 14, 13) as burned_serial,
    case g.i % 200 when 0 then 2 else 1 end as attempt, g.i % 100 = 50 as expired
  from generate_series($1::integer, $2::integer - 1) g (i)
  cross join lateral (select $3::bigint + (g.i * $4::float8)::bigint as ms) m
  cross join lateral (select m.ms, substr(int4send((x'40000000'::bigint + ((m.ms / 86400000) << 8))::integer), 1, 3) as day) n
  cross join lateral (select sha512(int8send(g.i)) as noise) h
  cross join lateral (select encode(h.noise, 'hex') as hex) x`;

const fillRequest = `insert into ledger.request (id, account, profile, profile_revision, ca, key_group, class, purpose, content, spki, csr, fingerprint, idempotency_key, payload_hash, accepted_by, accepted_at)
  select f.id, p.account, p.profile, p.profile_revision, p.ca, p.key_group, p.class, p.purpose,
    overlay(p.content placing f.number from p.content_at), overlay(p.spki placing f.noise from 28),
    overlay(overlay(overlay(p.csr placing f.number::bytea from p.csr_name_at) placing f.noise from p.csr_point_at) placing substr(f.noise, 1, 30) from p.csr_signature_at),
    substr(f.noise, 1, 32), f.key::text, substr(f.noise, 33, 32), p.accepted_by, f.at
  from fresh f cross join pattern p`;

const fillCertificate = `insert into ledger.certificate (request_id, attempt, ca, serial, not_before, not_after, der, stored_at)
  select f.id, f.attempt, p.ca, f.serial, v.since, v.until,
    overlay(overlay(overlay(overlay(overlay(overlay(p.der placing f.serial from p.serial_at)
      placing to_char(v.since at time zone 'UTC', 'YYMMDDHH24MISS"Z"')::bytea from p.from_at)
      placing to_char(v.until at time zone 'UTC', 'YYMMDDHH24MISS"Z"')::bytea from p.until_at)
      placing f.number::bytea from p.name_at) placing f.noise from p.point_at) placing substr(f.noise, 1, 30) from p.signature_at), f.at
  from fresh f cross join pattern p
  cross join lateral (select date_trunc('second', f.at) as since, date_trunc('second', f.at) + p.life as until) v
  where not f.expired`;

const serialColumns =
  'ca, serial, request_id, attempt, state, claim_id, signer, claimed_at, lease_until, not_before, profile, profile_revision, compiler, template_hash, epoch';
const fillSerial = `insert into ledger.serial (${serialColumns})
  select p.ca, s.serial, f.id, s.attempt, s.state, f.key, p.signer, f.at, f.at + interval '10 s', date_trunc('second', f.at), p.profile, p.profile_revision, p.compiler, p.template_hash, p.epoch
  from fresh f cross join pattern p
  cross join lateral (select f.serial, f.attempt, 'issued' as state union all select f.burned_serial, 1, 'burned' where f.attempt = 2) s
  where not f.expired`;

const fillRevocation = `insert into ledger.revocation (ca, serial, request_id, revoked_at)
  select p.ca, f.burned_serial, f.id, f.at from fresh f cross join pattern p where f.attempt = 2`;

const fillEvent = `insert into ledger.event (request_id, at, kind, attempt, actor, detail)
  select f.id, f.at, 'burned', 1, p.signer, jsonb_build_object('code', 'lease-lost', 'serial', encode(f.burned_serial, 'hex'), 'signer', p.signer)
  from fresh f cross join pattern p where f.attempt = 2`;

const fillOutcome = `insert into ledger.outcome (request_id, state, attempt, serial, ended_by, ended_at)
  select f.id, case when f.expired then 'expired' else 'issued' end, case when f.expired then 0 else f.attempt end,
    case when not f.expired then f.serial end, p.signer, f.at
  from fresh f cross join pattern p`;

/** Keys are kept for 72 h: the registry has purged the older ones. */
const fillIdempotency = `insert into ledger.idempotency (account, key, request_id, payload_hash, created_at, expires_at)
  select p.account, f.key::text, f.id, substr(f.noise, 33, 32), f.at, f.at + interval '72 h'
  from fresh f cross join pattern p where f.at > now() - interval '72 h'`;

/**
 * What each connection fills, about as much work in each. A table is filled by one, in the order of its ids, as time
 * would have filled it: so its indexes are as dense as they would be.
 */
export const fills: readonly (readonly string[])[] = [
  [fillRequest, fillCertificate],
  [fillSerial, fillRevocation, fillEvent, fillOutcome, fillIdempotency],
];
