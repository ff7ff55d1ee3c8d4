do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- Step 6, the claim: one call, one transaction. What it stores is the record of intent. As in 0024; and where others have
-- just locked what this one wanted, it looks further back in the lane. A claim that gave nothing for that reason looked
-- like an empty lane: of a queue of hundreds, several signers at a slow token took little more than half of what it signs.
-- Crash after it: the lease runs out, the sweep burns the serial and queues the request again.
create or replace function ledger.claim(
  p_caller text, p_incarnation bigint, p_claim uuid, p_class text, p_key_group text, p_max integer, p_ids uuid[], p_serials bytea[],
  p_compiler text, p_lease_ms integer, p_cursor_account text, p_cursor_ca text, p_skip_cas text[] default '{}',
  out rows ledger.claimed[], out next_account text, out next_ca text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_ids uuid[];
  v_locked uuid[] := '{}';
  v_wanted integer := p_max;
  v_most integer := least(1000, 64 * p_max, p_max + 256);
  v_busy text[] := '{}';
  v_first uuid;
  v_last uuid;
  v_cas text[];
  v_free text[] := '{}';
  v_token text;
  v_missing text[];
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

  loop
    -- (a) candidates: the turn's ids when calm, by policy otherwise. The cursor moves as if nobody were in the way.
    if p_ids is not null then
      v_ids := array(select distinct i.id from unnest(p_ids) i (id));
    else
      select c.ids, coalesce(claim.next_account, c.next_account), coalesce(claim.next_ca, c.next_ca) into v_ids, next_account, next_ca
      from ledger.candidates(p_class, p_key_group, v_wanted, p_compiler, p_cursor_account, p_cursor_ca,
        (select s.token from registry.subscriber s where s.name = p_caller), p_skip_cas || v_busy) c;
    end if;

    -- (b) shared lock per CA, tried, in sorted order; a CA that somebody changes is skipped
    if v_ids is not null then
      select array_agg(distinct w.ca order by w.ca) into v_cas from ledger.work w
      where w.request_id = any(v_ids) and w.state || '' = 'queued' and w.class || '' = p_class and w.key_group || '' = p_key_group;
      foreach v_ca in array coalesce(v_cas, '{}') loop
        continue when v_ca = any(p_skip_cas || v_free || v_busy);
        if pg_try_advisory_xact_lock_shared(registry.lock_key('ca', v_ca)) then
          v_free := v_free || v_ca;
        else
          v_busy := v_busy || v_ca;
        end if;
      end loop;
    end if;

    -- (c) and (d) in new statements, whose snapshots are younger than the locks: take the rows, read the registry
    v_token := registry.check_caller(p_caller, p_incarnation);
    select exists (select from registry.hold h where h.lifted_at is null and h.expires_at > clock_timestamp()),
      (select array_agg(q.ca) from registry.ca_token q where q.token = v_token and q.quarantined)
    into v_holds, v_missing;
    if v_missing is not null then
      v_free := array(select f.name from unnest(v_free) f (name) where f.name <> all (v_missing));
    end if;
    select v_locked || array_agg(l.request_id) into v_locked from (
      select w.request_id from ledger.work w
      where w.request_id = any(v_ids) and w.request_id <> all (v_locked)
        and w.ca = any(v_free) and w.state || '' = 'queued' and w.class || '' = p_class and w.key_group || '' = p_key_group
      order by array_position(v_ids, w.request_id) limit p_max - cardinality(v_locked) for update skip locked) l;

    -- Others were there first. What they did not take is further back.
    exit when p_ids is not null or cardinality(v_locked) >= p_max or coalesce(cardinality(v_ids), 0) < v_wanted or v_wanted >= v_most;
    v_wanted := least(v_most, v_wanted * 4);
  end loop;
  if cardinality(v_locked) = 0 then
    return;
  end if;
  v_locked := array(select l.id from unnest(v_locked) l (id) order by l.id);
  v_first := v_locked[1];
  v_last := v_locked[cardinality(v_locked)];
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
reset role;
