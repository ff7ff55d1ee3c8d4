do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- The live auditor: the invariants, recomputed from the rows. It only reads (but for its own mark), takes no lock that
-- a writer wants, and looks at one range of request ids at a time: its cost is that of the range, not of the ledger.
-- A verb is one commit and `audit` is STABLE, so all of it sees one snapshot: between two verbs each invariant holds.

-- Rows: the first 20 of those found, each named so that it can be looked up.
create type ledger.audit_finding as (invariant text, checked bigint, found bigint, rows text[]);

-- The state of a CA at an epoch is what the last change before it says.
create index change_subject on registry.change (subject, epoch);

create function ledger.audit(p_from uuid, p_to uuid) returns setof ledger.audit_finding
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  return query
  with asked as materialized (
    select r.id, r.idempotency_key, r.fingerprint, w.open, s.shelved, o.ended
    from ledger.request r
    left join lateral (select true as open from ledger.work x where x.request_id = r.id offset 0) w on true
    left join lateral (select true as shelved from ledger.shelf x where x.request_id = r.id offset 0) s on true
    left join lateral (select true as ended from ledger.outcome x where x.request_id = r.id offset 0) o on true
    where r.id >= p_from and r.id < p_to
  ), placed as materialized (
    select w.request_id, w.state, w.account, w.ca, w.profile, w.purpose, w.class, w.key_group, w.fingerprint, w.attempt, w.serial, w.claim_id, w.signer, w.lease_until
    from ledger.work w where w.request_id >= p_from and w.request_id < p_to
    union all
    select s.request_id, s.state, s.account, s.ca, s.profile, s.purpose, s.class, s.key_group, s.fingerprint, s.attempt, null, null, null, null
    from ledger.shelf s where s.request_id >= p_from and s.request_id < p_to
  ), ended as materialized (
    select o.request_id, o.state, o.attempt, o.serial, o.withheld, r.ca, r.profile
    from ledger.outcome o
    left join lateral (select x.ca, x.profile from ledger.request x where x.id = o.request_id offset 0) r on true
    where o.request_id >= p_from and o.request_id < p_to
  ), serials as materialized (
    select s.ca, s.serial, s.request_id, s.attempt, s.state, s.epoch, r.purpose, r.subject_ca = r.ca as own,
      format('serial %s/%s of request %s, attempt %s', s.ca, encode(s.serial, 'hex'), s.request_id, s.attempt) as label
    from ledger.serial s
    left join lateral (select x.purpose, x.subject_ca, x.ca from ledger.request x where x.id = s.request_id offset 0) r on true
    where s.request_id >= p_from and s.request_id < p_to
  ), certificates as materialized (
    select c.request_id, c.attempt, c.ca, c.serial from ledger.certificate c where c.request_id >= p_from and c.request_id < p_to
  ), looked (invariant, bad, label) as (
    -- accepted = open + shelf + ends
    select 'accounted', num_nonnulls(a.open, a.shelved, a.ended) <> 1,
      format('request %s: %s', a.id, coalesce(nullif(concat_ws(' and ', case when a.open then 'open' end, case when a.shelved then 'shelved' end, case when a.ended then 'ended' end), ''), 'nowhere'))
    from asked a
    union all
    select 'known', r.known is null, format('%s of request %s', k.what, k.request_id)
    from (select 'place' as what, p.request_id from placed p union all select 'end', e.request_id from ended e
          union all select 'serial', s.request_id from serials s union all select 'certificate', c.request_id from certificates c) k
    left join lateral (select true as known from ledger.request x where x.id = k.request_id offset 0) r on true
    union all
    select 'as-accepted', (p.account, p.ca, p.profile, p.purpose, p.class, p.key_group, p.fingerprint) is distinct from (r.account, r.ca, r.profile, r.purpose, r.class, r.key_group, r.fingerprint),
      format('request %s', p.request_id)
    from placed p
    cross join lateral (select x.* from ledger.request x where x.id = p.request_id offset 0) r
    union all
    -- open without a key: an equal one joins it. Ended: nothing may join it any more.
    select 'fingerprint', case when a.ended then f.request_id is not null and f.request_id = a.id else a.idempotency_key is null and f.request_id is distinct from a.id end,
      format('request %s: fingerprint %s', a.id, encode(a.fingerprint, 'hex'))
    from asked a
    left join lateral (select x.request_id from ledger.open_fingerprint x where x.fingerprint = a.fingerprint offset 0) f on true
    union all
    select 'intended', (s.state, s.request_id, s.attempt, s.claim_id, s.signer, s.lease_until) is distinct from ('intended', p.request_id, p.attempt, p.claim_id, p.signer, p.lease_until),
      format('request %s, attempt %s', p.request_id, p.attempt)
    from placed p
    left join lateral (select x.* from ledger.serial x where x.ca = p.ca and x.serial = p.serial offset 0) s on true
    where p.state = 'signing' and p.profile is not null
    union all
    select 'intended', w.found is null, s.label
    from serials s
    left join lateral (select true as found from ledger.work x where x.request_id = s.request_id and x.state || '' = 'signing' and x.ca = s.ca and x.serial = s.serial offset 0) w on true
    where s.state = 'intended'
    union all
    select 'one-certificate', s.state is null or s.state not in ('issued', 'burned') or (s.request_id, s.attempt) <> (c.request_id, c.attempt),
      format('certificate %s/%s of request %s, attempt %s', c.ca, encode(c.serial, 'hex'), c.request_id, c.attempt)
    from certificates c
    left join lateral (select x.request_id, x.attempt, x.state from ledger.serial x where x.ca = c.ca and x.serial = c.serial offset 0) s on true
    union all
    select 'issued', case when e.profile is null then e.serial is not null else (s.state, s.request_id, s.attempt) is distinct from ('issued', e.request_id, e.attempt) or c.serial is distinct from e.serial end,
      format('request %s, attempt %s', e.request_id, e.attempt)
    from ended e
    left join lateral (select x.request_id, x.attempt, x.state from ledger.serial x where x.ca = e.ca and x.serial = e.serial offset 0) s on true
    left join lateral (select x.serial from ledger.certificate x where x.request_id = e.request_id and x.attempt = e.attempt offset 0) c on true
    where e.state = 'issued'
    union all
    select 'issued', o.found is null, s.label
    from serials s
    left join lateral (select true as found from ledger.outcome x where x.request_id = s.request_id and x.state = 'issued' and x.attempt = s.attempt and x.serial = s.serial offset 0) o on true
    where s.state = 'issued'
    union all
    select 'withheld', e.withheld <> (b.burned is not null), format('request %s: %s', e.request_id, case when e.withheld then 'no serial was burned' else 'a serial was burned' end)
    from ended e
    left join lateral (select true as burned from ledger.serial x where e.attempt > 0 and x.request_id = e.request_id and x.state = 'burned' limit 1) b on true
    where e.state in ('expired', 'rejected')
    union all
    select 'revoked', v.request_id is distinct from s.request_id, s.label
    from serials s
    left join lateral (select x.request_id from ledger.revocation x where x.ca = s.ca and x.serial = s.serial offset 0) v on true
    where s.state = 'burned'
    union all
    select 'permitted', p.refusal is not null, format('%s: %s at epoch %s', s.label, p.refusal, s.epoch)
    from (select d.*, registry.refusal(h.state, d.purpose, d.own) as refusal
          from (select distinct x.ca, x.epoch, x.purpose, coalesce(x.own, false) as own from serials x where x.purpose is not null) d
          left join lateral (
            select case x.kind when 'ca-create' then 'pending' else x.after ->> 'state' end as state from registry.change x
            where x.subject = d.ca and x.epoch <= d.epoch and x.kind like 'ca-%' and (x.kind = 'ca-create' or x.after ? 'state')
            order by x.epoch desc limit 1) h on true) p
    join serials s on s.ca = p.ca and s.epoch = p.epoch and s.purpose = p.purpose and coalesce(s.own, false) = p.own
  )
  select l.invariant, count(*), count(*) filter (where l.bad), coalesce((array_agg(l.label) filter (where l.bad))[1:20], '{}')
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
