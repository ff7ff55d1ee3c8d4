do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- Step 6, the claim: one call, one transaction. What it stores is the record of intent. As in 0007, but the caller is
-- looked at once, after the last lock; of `request` only the partitions of these ids are opened; and rows are locked in
-- a statement of their own: where one that locks finds a row changed it runs its plan once more, and PostgreSQL 18 was
-- seen to crash doing so.
-- Crash after it: the lease runs out, the sweep burns the serial and queues the request again.
create or replace function ledger.claim(
  p_caller text, p_incarnation bigint, p_claim uuid, p_class text, p_key_group text, p_max integer, p_ids uuid[], p_serials bytea[],
  p_compiler text, p_lease_ms integer, p_cursor_account text, p_cursor_ca text,
  out rows ledger.claimed[], out next_account text, out next_ca text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_ids uuid[];
  v_locked uuid[];
  v_first uuid;
  v_last uuid;
  v_cas text[];
  v_free text[] := '{}';
  v_ca text;
  v_ended uuid[];
  v_holds boolean;
  v_ends boolean;
begin
  if p_max not between 1 and 1000 or cardinality(p_serials) < p_max or p_lease_ms not between 500 and 60000 then
    raise exception 'claim of % with % serials for % ms', p_max, cardinality(p_serials), p_lease_ms using errcode = 'SLC01';
  end if;
  -- lock order: subscriber, CA, work
  perform pg_advisory_xact_lock_shared(registry.lock_key('subscriber', p_caller));

  -- (a) candidates: the turn's ids when calm, by policy otherwise
  if p_ids is not null then
    v_ids := p_ids;
  else
    select c.ids, c.next_account, c.next_ca into v_ids, next_account, next_ca
    from ledger.candidates(p_class, p_key_group, p_max, p_compiler, p_cursor_account, p_cursor_ca) c;
  end if;

  -- (b) shared lock per CA, tried, in sorted order; a CA that somebody changes is skipped
  if v_ids is not null then
    select array_agg(distinct w.ca order by w.ca) into v_cas from ledger.work w
    where w.request_id = any(v_ids) and w.state || '' = 'queued' and w.class || '' = p_class and w.key_group || '' = p_key_group;
    foreach v_ca in array coalesce(v_cas, '{}') loop
      if pg_try_advisory_xact_lock_shared(registry.lock_key('ca', v_ca)) then
        v_free := v_free || v_ca;
      end if;
    end loop;
  end if;

  -- (c) and (d) in new statements, whose snapshots are younger than the locks: take the rows, read the registry
  perform registry.check_caller(p_caller, p_incarnation);
  select array_agg(l.request_id) into v_locked from (
    select w.request_id from ledger.work w
    where w.request_id = any(v_ids) and w.ca = any(v_free) and w.state || '' = 'queued' and w.class || '' = p_class and w.key_group || '' = p_key_group
    order by w.request_id for update skip locked) l;
  if v_locked is null then
    return;
  end if;
  v_first := v_locked[1];
  v_last := v_locked[cardinality(v_locked)];
  v_holds := exists (select from registry.hold h where h.lifted_at is null and h.expires_at > clock_timestamp());
  with picked as materialized (
    select w.request_id, w.attempt + 1 as attempt, w.deadline <= clock_timestamp() as overdue,
      case
        when r.purpose = 'subscriber' and a.state is null then 'forbidden'
        when r.purpose = 'subscriber' and a.state <> 'enabled' then 'account-disabled'
        when w.profile is not null and (p.name is null or p.ca <> w.ca) then 'profile-unknown'
        when w.profile is not null and p.state <> 'enabled' then 'profile-disabled'
        else registry.refusal(c.state, r.purpose, r.subject_ca = r.ca)
      end as code,
      coalesce(c.quarantined, false) or (v_holds and registry.held_by(w.request_id, w.class, w.account, w.ca, w.profile) is not null) as held,
      r.purpose, w.account, w.profile, p.revision, r.profile_revision as accepted_revision, w.ca, r.subject_ca, r.content, r.spki,
      t.hash, v.backdate_s, w.accepted_at
    from ledger.work w
    cross join lateral (select x.purpose, x.profile_revision, x.subject_ca, x.ca, x.content, x.spki from ledger.request x
      where x.id = w.request_id and x.id between v_first and v_last offset 0) r
    left join registry.ca c on c.name = w.ca
    left join registry.account a on a.name = w.account
    left join registry.profile p on p.name = w.profile
    left join registry.profile_revision v on v.profile = p.name and v.revision = p.revision
    left join registry.template t on t.profile = p.name and t.revision = p.revision and t.compiler = p_compiler
    where w.request_id = any(v_locked) and w.ca || '' = any(v_free)
  ), judged as materialized (
    select k.*,
      case when k.held then 'held' when k.overdue then 'expired' when k.code is not null then 'rejected'
           when k.profile is not null and k.hash is null then 'stale' else 'signing' end as verdict
    from picked k
  ), taken as materialized (
    select j.*, case when j.profile is null then null else p_serials[row_number() over (order by j.request_id)] end as serial,
      date_trunc('second', clock_timestamp()) - make_interval(secs => coalesce(j.backdate_s, 0)) as not_before,
      clock_timestamp() + make_interval(secs => p_lease_ms / 1000.0) as lease_until,
      (select e.epoch from registry.epoch e) as epoch
    from judged j where j.verdict = 'signing' order by j.request_id limit p_max
  ), updated as (
    update ledger.work w set state = 'signing', attempt = t.attempt, signer = p_caller, claim_id = p_claim, serial = t.serial, lease_until = t.lease_until
    from taken t where w.request_id = any(v_locked) and w.request_id = t.request_id
  ), intended as (
    insert into ledger.serial (ca, serial, request_id, attempt, state, claim_id, signer, claimed_at, lease_until, not_before, profile, profile_revision, compiler, template_hash, epoch)
    select t.ca, t.serial, t.request_id, t.attempt, 'intended', p_claim, p_caller, clock_timestamp(), t.lease_until, t.not_before, t.profile, t.revision, p_compiler, t.hash, t.epoch
    from taken t where t.serial is not null
  )
  select array_agg(row(
    j.verdict, j.request_id, j.code, j.purpose, j.account, j.profile, j.revision, j.accepted_revision,
    j.ca, j.subject_ca, j.content, j.spki, j.attempt, t.serial, t.not_before, j.hash, t.epoch, j.accepted_at)::ledger.claimed),
    bool_or(j.verdict in ('expired', 'rejected'))
  into rows, v_ends
  from judged j left join taken t on t.request_id = j.request_id
  where j.verdict <> 'signing' or t.request_id is not null;

  -- what is overdue or not permitted costs one row, here and now: no signature, no retry, no back-off
  if v_ends then
    select array_agg(c.request_id) into v_ended from unnest(rows) c where c.verdict = 'expired';
    if v_ended is not null then
      perform ledger.end_requests(v_ended, 'expired', null, p_caller);
    end if;
    for v_ca, v_ended in select c.code, array_agg(c.request_id) from unnest(rows) c where c.verdict = 'rejected' group by c.code loop
      perform ledger.end_requests(v_ended, 'rejected', v_ca, p_caller);
    end loop;
  end if;
end $$;

-- Step 8. Certificate, serial `issued`, outcome, work row gone, in one commit, by compare-and-set on (request,
-- `signing`, attempt) and the serial that belongs to it. Asked again with the same attempt and serial it succeeds.
-- A late signer loses; what it signed is kept, and its serial is burned already.
-- Crash before the commit: the lease runs out, serial burned, queued again. After it: the waiters read the ledger.
create or replace function ledger.complete(p_caller text, p_ids uuid[], p_attempts integer[], p_serials bytea[], p_not_befores timestamptz[], p_not_afters timestamptz[], p_ders bytea[])
returns table (ordinal integer, verdict text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  -- where the rows that are this caller's stand among its arguments, and what is known of each
  v_places integer[];
  v_done uuid[];
  v_cas text[];
  v_serials bytea[];
  v_fingerprints bytea[];
  v_count integer;
begin
  select array_agg(d.place), array_agg(d.request_id), array_agg(d.ca), array_agg(d.serial), array_agg(d.fingerprint)
  into v_places, v_done, v_cas, v_serials, v_fingerprints from (
    select distinct on (m.request_id) m.* from (
      select u.place::integer, w.request_id, w.ca, w.serial, w.fingerprint from ledger.work w
      join unnest(p_ids, p_attempts, p_serials) with ordinality u (id, attempt, serial, place) on w.request_id = u.id
      where w.request_id = any(p_ids) and w.state || '' = 'signing' and w.attempt = u.attempt and w.serial = u.serial
      order by w.request_id for update of w) m
    order by m.request_id) d;
  if v_done is not null then
    insert into ledger.certificate (request_id, attempt, ca, serial, not_before, not_after, der)
    select p_ids[d.place], p_attempts[d.place], d.ca, p_serials[d.place], p_not_befores[d.place], p_not_afters[d.place], p_ders[d.place]
    from unnest(v_places, v_cas) d (place, ca);
    update ledger.serial s set state = 'issued'
    where s.ca = any(v_cas) and s.serial = any(v_serials) and s.request_id = any(v_done) and s.state = 'intended';
    get diagnostics v_count = row_count;
    if v_count <> cardinality(v_done) then
      raise exception '% of % serials are not intended any more', cardinality(v_done) - v_count, cardinality(v_done) using errcode = 'SLT01';
    end if;
    insert into ledger.outcome (request_id, state, attempt, serial, ended_by)
    select p_ids[d.place], 'issued', p_attempts[d.place], p_serials[d.place], p_caller from unnest(v_places) d (place);
    delete from ledger.work w where w.request_id = any(v_done);
    delete from ledger.open_fingerprint f where f.fingerprint = any(v_fingerprints) and f.request_id = any(v_done);
    if cardinality(v_done) = cardinality(p_ids) then
      return query select d.place, 'issued' from unnest(v_places) d (place);
      return;
    end if;
  end if;
  insert into ledger.certificate (request_id, attempt, ca, serial, not_before, not_after, der)
  select u.id, u.attempt, s.ca, u.serial, u.not_before, u.not_after, u.der
  from unnest(p_ids, p_attempts, p_serials, p_not_befores, p_not_afters, p_ders) u (id, attempt, serial, not_before, not_after, der)
  join ledger.serial s on s.request_id = u.id and s.attempt = u.attempt and s.serial = u.serial and s.state = 'burned'
  order by u.id, u.attempt
  on conflict do nothing;
  return query
    select u.ordinal::integer, case when o.request_id is null then 'late' else 'issued' end
    from unnest(p_ids, p_attempts, p_serials) with ordinality u (id, attempt, serial, ordinal)
    left join lateral (select x.* from ledger.outcome x where x.request_id = u.id offset 0) o on o.state = 'issued' and o.attempt = u.attempt and o.serial = u.serial;
end $$;

reset role;
