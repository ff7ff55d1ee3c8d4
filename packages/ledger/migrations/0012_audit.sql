do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- The live auditor: the invariants, recomputed from the rows. It only reads (but for its own mark), takes no lock that
-- a writer wants, and looks at one range of request ids at a time: its cost is that of the range, not of the ledger.
-- A verb is one commit and `audit` is STABLE, so all of it sees one snapshot: between two verbs each invariant holds.

-- Rows: the first 20 of those found, each named so that it can be looked up.
create type ledger.audit_finding as (invariant text, checked bigint, found bigint, rows text[]);

-- The state of a CA at an epoch is what the last change before it says.
create index change_subject on registry.change (subject, epoch);

create function ledger.audit(p_from uuid, p_to uuid) returns setof ledger.audit_finding
-- Each table is read once, by the range, and what was read is hashed together: a look-up per row through the partitions
-- of each table costs ten times as much.
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_nestloop = off set enable_mergejoin = off set work_mem = '32MB' as $$
begin
  return query
  with requests as materialized (
    select r.id, r.account, r.ca, r.profile, r.purpose, r.class, r.key_group, r.subject_ca, r.fingerprint, r.idempotency_key
    from ledger.request r where r.id >= p_from and r.id < p_to
  ), placed as materialized (
    select w.request_id, w.state, w.account, w.ca, w.profile, w.purpose, w.class, w.key_group, w.fingerprint, w.attempt, w.serial, w.claim_id, w.signer, w.lease_until
    from ledger.work w where w.request_id >= p_from and w.request_id < p_to
    union all
    select s.request_id, s.state, s.account, s.ca, s.profile, s.purpose, s.class, s.key_group, s.fingerprint, s.attempt, null, null, null, null
    from ledger.shelf s where s.request_id >= p_from and s.request_id < p_to
  ), ended as materialized (
    select o.request_id, o.state, o.attempt, o.serial, o.withheld from ledger.outcome o where o.request_id >= p_from and o.request_id < p_to
  ), serials as materialized (
    select s.ca, s.serial, s.request_id, s.attempt, s.state, s.claim_id, s.signer, s.lease_until, s.epoch from ledger.serial s
    where s.request_id >= p_from and s.request_id < p_to
  ), asked as materialized (
    select r.id, r.idempotency_key, r.fingerprint, w.request_id is not null and w.state in ('queued', 'signing') as open,
      w.request_id is not null and w.state in ('parked', 'failed') as shelved, o.request_id is not null as ended, w.places
    from requests r
    left join (select x.request_id, min(x.state) as state, count(*) as places from placed x group by 1) w on w.request_id = r.id
    left join ended o on o.request_id = r.id
  ), certificates as materialized (
    select c.request_id, c.attempt, c.ca, c.serial from ledger.certificate c where c.request_id >= p_from and c.request_id < p_to
  ), looked (invariant, bad, request_id, attempt, serial, says) as (
    -- accepted = open + shelf + ends
    select 'accounted', coalesce(a.places, 0) + a.ended::integer <> 1, a.id, null::integer, null::bytea,
      coalesce(nullif(concat_ws(' and ', case when a.places > 1 then 'open and shelved' when a.open then 'open' when a.shelved then 'shelved' end, case when a.ended then 'ended' end), ''), 'nowhere')
    from asked a
    union all
    select 'known', r.id is null, k.request_id, null, null, k.what || ' without a request'
    from (select 'place' as what, p.request_id from placed p union all select 'end', e.request_id from ended e
          union all select 'serial', s.request_id from serials s union all select 'certificate', c.request_id from certificates c) k
    left join requests r on r.id = k.request_id
    union all
    select 'as-accepted', (p.account, p.ca, p.profile, p.purpose, p.class, p.key_group, p.fingerprint) is distinct from (r.account, r.ca, r.profile, r.purpose, r.class, r.key_group, r.fingerprint),
      p.request_id, null, null, null
    from placed p join requests r on r.id = p.request_id
    union all
    -- open without a key: an equal one joins it. Ended: nothing may join it any more.
    select 'fingerprint', case when a.ended then f.request_id is not null and f.request_id = a.id else a.idempotency_key is null and f.request_id is distinct from a.id end,
      a.id, null, null, 'fingerprint ' || encode(a.fingerprint, 'hex')
    from asked a
    left join lateral (select x.request_id from ledger.open_fingerprint x where x.fingerprint = a.fingerprint offset 0) f on true
    union all
    select 'intended', (s.state, s.request_id, s.attempt, s.claim_id, s.signer, s.lease_until) is distinct from ('intended', p.request_id, p.attempt, p.claim_id, p.signer, p.lease_until),
      p.request_id, p.attempt, p.serial, null
    from placed p left join serials s on s.ca = p.ca and s.serial = p.serial
    where p.state = 'signing' and p.profile is not null
    union all
    select 'intended', w.request_id is null, s.request_id, s.attempt, s.serial, null
    from serials s left join placed w on w.request_id = s.request_id and w.state = 'signing' and w.ca = s.ca and w.serial = s.serial
    where s.state = 'intended'
    union all
    select 'one-certificate', s.state is null or s.state not in ('issued', 'burned') or (s.request_id, s.attempt) <> (c.request_id, c.attempt),
      c.request_id, c.attempt, c.serial, null
    from certificates c left join serials s on s.ca = c.ca and s.serial = c.serial
    union all
    select 'issued', case when r.profile is null then e.serial is not null else (s.state, s.request_id, s.attempt) is distinct from ('issued', e.request_id, e.attempt) or c.serial is distinct from e.serial end,
      e.request_id, e.attempt, e.serial, null
    from ended e
    join requests r on r.id = e.request_id
    left join serials s on s.ca = r.ca and s.serial = e.serial
    left join certificates c on c.request_id = e.request_id and c.attempt = e.attempt
    where e.state = 'issued'
    union all
    select 'issued', o.request_id is null, s.request_id, s.attempt, s.serial, null
    from serials s left join ended o on o.request_id = s.request_id and o.state = 'issued' and o.attempt = s.attempt and o.serial = s.serial
    where s.state = 'issued'
    union all
    select 'withheld', e.withheld <> (b.request_id is not null), e.request_id, null, null, case when e.withheld then 'no serial was burned' else 'a serial was burned' end
    from ended e left join (select distinct x.request_id from serials x where x.state = 'burned') b on b.request_id = e.request_id
    where e.state in ('expired', 'rejected')
    union all
    select 'revoked', v.request_id is distinct from s.request_id, s.request_id, s.attempt, s.serial, null
    from serials s
    left join lateral (select x.request_id from ledger.revocation x where x.ca = s.ca and x.serial = s.serial offset 0) v on true
    where s.state = 'burned'
    union all
    select 'permitted', p.refusal is not null, s.request_id, s.attempt, s.serial, format('%s at epoch %s', p.refusal, s.epoch)
    from serials s
    join requests r on r.id = s.request_id
    join (select d.*, registry.refusal(h.state, d.purpose, d.own) as refusal
          from (select distinct x.ca, x.epoch, y.purpose, coalesce(y.subject_ca = y.ca, false) as own from serials x join requests y on y.id = x.request_id) d
          left join lateral (
            select case x.kind when 'ca-create' then 'pending' else x.after ->> 'state' end as state from registry.change x
            where x.subject = d.ca and x.epoch <= d.epoch and x.kind like 'ca-%' and (x.kind = 'ca-create' or x.after ? 'state')
            order by x.epoch desc limit 1) h on true) p
      on p.ca = s.ca and p.epoch = s.epoch and p.purpose = r.purpose and p.own = coalesce(r.subject_ca = r.ca, false)
  )
  select l.invariant, count(*), count(*) filter (where l.bad), coalesce((array_agg(
      'request ' || l.request_id || coalesce(', attempt ' || l.attempt, '') || coalesce(', serial ' || encode(l.serial, 'hex'), '') || coalesce(': ' || l.says, '')
      order by l.request_id) filter (where l.bad))[1:20], '{}')
  from looked l group by l.invariant;
end $$;

-- A claim past its lease for longer than the sweep may need, over the whole of the open work: there is an index for it.
create function ledger.audit_leases(p_grace_ms integer) returns setof ledger.audit_finding
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select 'lease', (select count(*) from ledger.work w where w.state = 'signing'), count(*),
    coalesce((array_agg(format('request %s, attempt %s: the lease of %s ended at %s', l.request_id, l.attempt, l.signer, l.lease_until) order by l.lease_until))[1:20], '{}')
  from ledger.work l where l.state = 'signing' and l.lease_until < statement_timestamp() - make_interval(secs => p_grace_ms / 1000.0)
$$;

-- Where a range that begins at p_from and has so many requests ends; p_until when there are fewer before it.
create function ledger.audit_end(p_from uuid, p_until uuid, p_requests integer) returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
  select coalesce((select r.id from ledger.request r where r.id >= p_from and r.id < p_until order by r.id offset p_requests limit 1), p_until)
$$;

-- How far the signers' audit is: every request once soon after it came, and all of them again and again.
create table ledger.audit_mark (
  one boolean primary key default true check (one),
  recent uuid not null,
  past uuid not null
);
insert into ledger.audit_mark (recent, past) values (ledger.uuid_floor(clock_timestamp()), ledger.uuid_floor('epoch'));

-- The next range, by whoever gets the lock: of what came since, up to 30 s ago (most of it has ended, and no id comes
-- late); when there is none, of the past, round and round. `behind_ms`: age of the oldest request not looked at yet.
-- Crash before the commit: the range is looked at again.
create function ledger.audit_next(p_caller text, p_incarnation bigint, p_requests integer, out audited boolean, out behind_ms bigint, out findings ledger.audit_finding[])
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_until uuid := ledger.uuid_floor(clock_timestamp() - interval '30 s');
  v_mark ledger.audit_mark;
  v_end uuid;
begin
  perform registry.check_caller(p_caller, p_incarnation);
  findings := '{}';
  behind_ms := 0;
  audited := pg_try_advisory_xact_lock(hashtextextended('sluice:audit', 0));
  if not audited then
    return;
  end if;
  select m.* into v_mark from ledger.audit_mark m;
  if v_mark.recent < v_until then
    v_end := ledger.audit_end(v_mark.recent, v_until, p_requests);
    findings := array(select f from ledger.audit(v_mark.recent, v_end) f);
    update ledger.audit_mark m set recent = v_end;
    behind_ms := floor(extract(epoch from ledger.uuid_instant(v_until) - ledger.uuid_instant(v_end)) * 1000)::bigint;
  else
    v_end := ledger.audit_end(v_mark.past, v_mark.recent, p_requests);
    findings := array(select f from ledger.audit(v_mark.past, v_end) f);
    update ledger.audit_mark m set past = case when v_end >= v_mark.recent then ledger.uuid_floor('epoch') else v_end end;
  end if;
end $$;

-- As 0011 has it, and `validity-invalid` (0010) and `outcome-unknown`, as packages/issuance says.
create or replace function ledger.uses_up_attempt(p_code text) returns boolean language sql immutable parallel safe as $$
  select p_code not in ('profile-unknown', 'profile-disabled', 'account-disabled', 'ca-unknown', 'ca-pending', 'ca-disabled', 'ca-retiring', 'ca-destroying',
    'ca-destroyed', 'ca-expiring', 'key-blocked', 'not-permitted', 'forbidden', 'csr-invalid', 'key-weak', 'subject-invalid', 'validity-invalid', 'lint-failed', 'body-invalid',
    'key-missing', 'token-failed', 'unavailable', 'outcome-unknown', 'stale-snapshot', 'draining')
$$;

do $$
declare
  v_db text := current_database();
begin
  execute format('grant execute on function ledger.audit_next, ledger.audit_leases to %I', v_db || '_signer');
  execute format('grant execute on function ledger.audit, ledger.audit_end, ledger.audit_leases to %I', v_db || '_issuer_registry');
  execute format('grant select on ledger.audit_mark to %I', v_db || '_issuer_registry');
end $$;
reset role;
