do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- How the statements of 0006 and 0007 are written. Their plans are made once per connection and kept (planning over the
-- partitions costs more than running), perhaps while the tables were still empty; so each is written such that only one
-- plan is possible at any size: big tables are reached by a primary key bound to an array or to an outer row (`offset 0`
-- keeps a lateral lookup a lookup), and `|| ''` hides a condition that would tempt the planner to another index.

-- Deadlines cross as microseconds since 1970 in a bigint: exact, whatever the session's settings.
create function ledger.micros(p_at timestamptz) returns bigint language sql immutable parallel safe as $$
  select (extract(epoch from p_at) * 1000000)::bigint
$$;

-- Where each request stands, in one snapshot.
create function ledger.read(p_ids uuid[]) returns table (
  request_id uuid, account text, profile text, ca text, accepted_at timestamptz, state text, deadline bigint, attempt integer,
  code text, detail text, withheld boolean, serial bytea, der bytea, not_before timestamptz, not_after timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.id, r.account, r.profile, r.ca, r.accepted_at,
    coalesce(o.state, w.state, s.state), ledger.micros(w.deadline), coalesce(o.attempt, w.attempt, s.attempt),
    o.code, o.detail, o.withheld, o.serial, c.der, c.not_before, c.not_after
  from unnest(p_ids) i (id)
  cross join lateral (select x.id, x.account, x.profile, x.ca, x.accepted_at from ledger.request x where x.id = i.id offset 0) r
  left join lateral (select x.* from ledger.outcome x where x.request_id = i.id offset 0) o on true
  left join lateral (select x.state, x.deadline, x.attempt from ledger.work x where x.request_id = i.id offset 0) w on true
  left join lateral (select x.state, x.attempt from ledger.shelf x where x.request_id = i.id offset 0) s on true
  left join lateral (select x.der, x.not_before, x.not_after from ledger.certificate x where o.state = 'issued' and x.request_id = i.id and x.attempt = o.attempt offset 0) c on true
$$;

-- A join moves the deadline to the later one while the request is open. Rows in sorted order, as everywhere.
create function ledger.extend(p_ids uuid[], p_wait_ms integer[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  perform from ledger.work w where w.request_id = any(p_ids) order by w.request_id for no key update;
  update ledger.work w set deadline = i.deadline
  from (select u.id, max(clock_timestamp() + make_interval(secs => u.wait_ms / 1000.0)) as deadline
        from unnest(p_ids, p_wait_ms) u (id, wait_ms) group by u.id) i
  where w.request_id = any(p_ids) and w.request_id = i.id and w.deadline < i.deadline;
end $$;

-- Known keys in force, with the payload they stand for. Extends what is open.
create function ledger.join_keys(p_accounts text[], p_keys text[], p_payload_hashes bytea[], p_wait_ms integer[])
returns table (ordinal integer, request_id uuid, same_payload boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_ids uuid[];
  v_waits integer[];
begin
  select array_agg(i.request_id), array_agg(u.wait_ms) into v_ids, v_waits
  from unnest(p_accounts, p_keys, p_payload_hashes, p_wait_ms) u (account, key, payload_hash, wait_ms)
  cross join lateral (select x.* from ledger.idempotency x where x.account = u.account and x.key = u.key offset 0) i
  where i.expires_at > clock_timestamp() and i.payload_hash = u.payload_hash;
  if v_ids is not null then
    perform ledger.extend(v_ids, v_waits);
  end if;
  return query
    select u.ordinal::integer, i.request_id, i.payload_hash = u.payload_hash
    from unnest(p_accounts, p_keys, p_payload_hashes) with ordinality u (account, key, payload_hash, ordinal)
    cross join lateral (select x.* from ledger.idempotency x where x.account = u.account and x.key = u.key offset 0) i
    where i.expires_at > clock_timestamp();
end $$;

-- Step 4. Idempotency row, request row and work row of many requests in one commit.
-- `again`: the equal request that a keyless one was about to join has just ended; nothing was stored of this row.
-- Crash before the commit: nothing is stored, the client is told `unknown` or nothing, and asks again with its key.
-- Crash after it: the request is accepted; the sweep adds its turn, a retry joins it.
create function ledger.accept(
  p_caller text, p_incarnation bigint,
  p_ids uuid[], p_accounts text[], p_profiles text[], p_revisions integer[], p_cas text[], p_key_groups text[], p_classes text[],
  p_contents text[], p_spkis bytea[], p_csrs bytea[], p_fingerprints bytea[], p_keys text[], p_payload_hashes bytea[],
  p_wait_ms integer[], p_reopens uuid[])
returns table (ordinal integer, verdict text, request_id uuid, deadline bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_now timestamptz;
begin
  perform registry.check_caller(p_caller, p_incarnation);
  v_now := clock_timestamp();

  -- Keys, in sorted order. A key past its time is free again; so is one whose end was `expired`, for whoever names that end.
  insert into ledger.idempotency as i (account, key, request_id, payload_hash, created_at, expires_at)
  select distinct on (u.account, u.key) u.account, u.key, u.id, u.payload_hash, v_now, v_now + interval '72 h'
  from unnest(p_ids, p_accounts, p_keys, p_payload_hashes) u (id, account, key, payload_hash)
  where u.key is not null
  order by u.account, u.key, u.id
  on conflict (account, key) do update
    set request_id = excluded.request_id, payload_hash = excluded.payload_hash, created_at = excluded.created_at, expires_at = excluded.expires_at
    where i.expires_at <= v_now;

  if exists (select from unnest(p_reopens) r (id) where r.id is not null) then
    perform from ledger.idempotency i join unnest(p_accounts, p_keys, p_reopens) u (account, key, reopens)
      on i.account = u.account and i.key = u.key and i.request_id = u.reopens
      order by i.account, i.key for update of i;
    update ledger.idempotency i set request_id = u.id, created_at = v_now, expires_at = v_now + interval '72 h'
    from (select distinct on (r.account, r.key) r.* from unnest(p_ids, p_accounts, p_keys, p_payload_hashes, p_reopens) r (id, account, key, payload_hash, reopens)
          where r.reopens is not null order by r.account, r.key, r.id) u
    where i.account = u.account and i.key = u.key and i.request_id = u.reopens and i.payload_hash = u.payload_hash
      and exists (select from ledger.outcome o where o.request_id = u.reopens and o.state = 'expired');
  end if;

  -- Fingerprints of what is open or shelved. Two keys may stand for equal requests; a keyless one joins the first.
  insert into ledger.open_fingerprint (account, fingerprint, request_id)
  select distinct on (u.fingerprint) u.account, u.fingerprint, u.id
  from unnest(p_ids, p_accounts, p_keys, p_fingerprints) u (id, account, key, fingerprint)
  left join lateral (select x.request_id from ledger.idempotency x where x.account = u.account and x.key = u.key offset 0) i on true
  where u.key is null or i.request_id = u.id
  order by u.fingerprint, u.id
  on conflict do nothing;

  -- The key locks may have been waited for: the lease must hold now.
  perform registry.check_caller(p_caller, p_incarnation);
  return query
  with judged as materialized (
    select u.*,
      case when u.key is not null then i.request_id else f.request_id end as owner,
      u.key is null or i.payload_hash = u.payload_hash as same_payload,
      v_now + make_interval(secs => u.wait_ms / 1000.0) as due
    from unnest(p_ids, p_accounts, p_profiles, p_revisions, p_cas, p_key_groups, p_classes, p_contents, p_spkis, p_csrs, p_fingerprints, p_keys, p_payload_hashes, p_wait_ms)
      with ordinality u (id, account, profile, revision, ca, key_group, class, content, spki, csr, fingerprint, key, payload_hash, wait_ms, ordinal)
    left join lateral (select x.request_id, x.payload_hash from ledger.idempotency x where x.account = u.account and x.key = u.key offset 0) i on true
    left join lateral (select x.request_id from ledger.open_fingerprint x where u.key is null and x.fingerprint = u.fingerprint and x.account = u.account offset 0) f on true
  ), stored as (
    insert into ledger.request (id, account, profile, profile_revision, ca, key_group, class, purpose, content, spki, csr, fingerprint, idempotency_key, payload_hash, accepted_by, accepted_at)
    select j.id, j.account, j.profile, j.revision, j.ca, j.key_group, j.class, 'subscriber', j.content, j.spki, j.csr, j.fingerprint, j.key, j.payload_hash, p_caller, v_now
    from judged j where j.owner = j.id order by j.id
  ), opened as (
    insert into ledger.work (request_id, class, key_group, account, ca, profile, purpose, fingerprint, state, deadline, accepted_at)
    select j.id, j.class, j.key_group, j.account, j.ca, j.profile, 'subscriber', j.fingerprint, 'queued', j.due, v_now
    from judged j where j.owner = j.id order by j.id
  )
  select j.ordinal::integer,
    case when j.owner = j.id then 'accepted' when j.owner is null then 'again' when not j.same_payload then 'payload-mismatch' else 'joined' end,
    j.owner, ledger.micros(j.due)
  from judged j;
end $$;

-- Ends open or shelved rows that the caller has locked. The trigger on outcome reads where each comes from, so it goes
-- in before the row goes out.
create function ledger.end_requests(p_ids uuid[], p_state text, p_code text, p_actor text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_fingerprints bytea[];
begin
  insert into ledger.outcome (request_id, state, code, attempt, withheld, ended_by)
  select w.request_id, p_state, p_code, w.attempt, p_state in ('expired', 'rejected') and w.burned > 0, p_actor from ledger.work w where w.request_id = any(p_ids)
  union all
  select s.request_id, p_state, p_code, s.attempt, p_state in ('expired', 'rejected') and s.burned > 0, p_actor from ledger.shelf s where s.request_id = any(p_ids);
  with left_work as (delete from ledger.work w where w.request_id = any(p_ids) returning w.fingerprint),
       left_shelf as (delete from ledger.shelf s where s.request_id = any(p_ids) returning s.fingerprint)
  select array_agg(g.fingerprint) into v_fingerprints from (select fingerprint from left_work union all select fingerprint from left_shelf) g;
  delete from ledger.open_fingerprint f where f.fingerprint = any(v_fingerprints) and f.request_id = any(p_ids);
end $$;

-- Moves queued rows behind a hold, or signing rows without attempts left, to the shelf; rows locked by the caller.
create function ledger.shelve(p_ids uuid[], p_state text, p_code text, p_actor text, p_receipt uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into ledger.shelf (request_id, class, key_group, account, ca, profile, purpose, fingerprint, state, accepted_at, attempt, lost, burned, code, receipt, expires_at)
  select w.request_id, w.class, w.key_group, w.account, w.ca, w.profile, w.purpose, w.fingerprint, p_state, w.accepted_at, w.attempt, w.lost, w.burned, p_code, p_receipt,
    clock_timestamp() + make_interval(secs => coalesce((select v.time_to_live_s from registry.profile p join registry.profile_revision v on v.profile = p.name and v.revision = p.revision where p.name = w.profile), 86400))
  from ledger.work w where w.request_id = any(p_ids);
  insert into ledger.event (request_id, kind, attempt, actor, detail)
  select w.request_id, p_state, w.attempt, p_actor, jsonb_build_object('code', p_code) from ledger.work w where w.request_id = any(p_ids);
  delete from ledger.work w where w.request_id = any(p_ids);
end $$;

-- Step 10: the end of a wait, decided by compare-and-set on state and deadline. Queued, with the very deadline this
-- waiter knows, and due (the margin is the one by which front ends decide early): nobody waits longer, it expires (or is
-- shelved, where a hold keeps it). A joiner with a shorter wait knows the deadline too, but it is not due. Otherwise it
-- goes on, and its deadline moves to the time to live, because its client will be told `continuing`.
create function ledger.decide(p_ids uuid[], p_deadlines bigint[], p_ttl_ms bigint[], p_actor text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_expired uuid[];
  v_held uuid[];
begin
  perform from ledger.work w where w.request_id = any(p_ids) order by w.request_id for update;
  select array_agg(d.request_id) filter (where not d.held), array_agg(d.request_id) filter (where d.held) into v_expired, v_held
  from (select w.request_id, coalesce(c.quarantined, false) or registry.held_by(w.request_id, w.class, w.account, w.ca, w.profile) is not null as held
        from unnest(p_ids, p_deadlines) u (id, deadline)
        cross join lateral (select x.* from ledger.work x where x.request_id = u.id offset 0) w
        left join registry.ca c on c.name = w.ca
        where w.state = 'queued' and ledger.micros(w.deadline) = u.deadline and w.deadline <= clock_timestamp() + interval '250 ms') d;
  if v_held is not null then
    perform ledger.shelve(v_held, 'parked', 'held', p_actor, null);
  end if;
  if v_expired is not null then
    perform ledger.end_requests(v_expired, 'expired', null, p_actor);
  end if;
  update ledger.work w set deadline = greatest(w.deadline, u.due)
  from (select i.id, max(clock_timestamp() + make_interval(secs => i.ttl_ms / 1000.0)) as due from unnest(p_ids, p_ttl_ms) i (id, ttl_ms) group by i.id) u
  where w.request_id = any(p_ids) and w.request_id = u.id;
end $$;

-- Queued and shelf become cancelled; anything else stays as it is. False: no such request of this account.
create function ledger.cancel(p_id uuid, p_account text, p_actor text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_cancellable boolean;
begin
  perform from ledger.request r where r.id = p_id and r.account = p_account;
  if not found then
    return false;
  end if;
  select w.state = 'queued' into v_cancellable from ledger.work w where w.request_id = p_id for update;
  if not found then
    perform from ledger.shelf s where s.request_id = p_id for update;
    v_cancellable := found;
  end if;
  if v_cancellable then
    perform ledger.end_requests(array[p_id], 'cancelled', null, p_actor);
  end if;
  return true;
end $$;

reset role;
