do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- While any transaction stays open (a forgotten psql, a long backup), vacuum takes nothing away, and every request that
-- leaves `ledger.work` leaves dead rows and index entries behind. So nothing that runs often may walk over them: an index
-- range starts where the living begin, and what must look at everything does so seldom.

-- The head of a lane by deadline: the flows of a short queue, past all that is dead.
create index work_lane on ledger.work (class, key_group, deadline) where state = 'queued';

-- So many pages (8 MB) that a look at all of the table would be felt.
create function ledger.work_is_large() returns boolean language sql stable set search_path = pg_catalog, pg_temp as $$
  select pg_relation_size('ledger.work') > 8 * 1024 * 1024
$$;

-- (a) Candidates by policy, as in 0024. Of a short queue the flows are read off its rows, of a long one by a jump from
-- flow to flow. What is overdue or dead lies before the range of either; and in a large table also what lies before the
-- head found last. What came to lie before that since (queued again, or with a shorter time to live) is found by a look
-- at all, which follows so seldom that it takes about a tenth of the time, and at most 10 s later. The head is kept in
-- the session: a hint, which may be lost.
create or replace function ledger.candidates(p_class text, p_key_group text, p_max integer, p_compiler text, p_cursor_account text, p_cursor_ca text, p_token text, p_skip_cas text[],
  out ids uuid[], out next_account text, out next_ca text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_from timestamptz := v_now;
  v_heads jsonb := coalesce(nullif(current_setting('sluice.heads', true), ''), '{}');
  v_lane text := p_class || '.' || p_key_group;
  v_next_look timestamptz := (v_heads #>> array[v_lane, 'next_look'])::timestamptz;
  v_head timestamptz;
  v_short_queue boolean;
  v_flows jsonb;
  v_account text := coalesce(p_cursor_account, '');
  v_ca text := coalesce(p_cursor_ca, '');
  v_wrapped boolean := p_cursor_account is null;
  v_accounts text[] := '{}';
  v_cas text[] := '{}';
  v_quota integer;
  v_full boolean;
  v_partial boolean;
  v_without_template text[];
begin
  if v_next_look between v_now and v_now + interval '10 s' then
    v_from := greatest(v_now, (v_heads #>> array[v_lane, 'head'])::timestamptz);
  end if;
  select count(*) <= 100, jsonb_agg(distinct jsonb_build_array(q.account, q.ca)) into v_short_queue, v_flows
  from (select w.account, w.ca from ledger.work w
        where w.class = p_class and w.key_group = p_key_group and w.state = 'queued' and w.deadline > v_from
        order by w.deadline limit 101) q;
  -- From flow to flow, each by one probe, however many rows a flow has.
  while cardinality(v_accounts) < p_max loop
    if v_short_queue then
      select f ->> 0, f ->> 1 into v_account, v_ca from jsonb_array_elements(v_flows) f
      where (f ->> 0, f ->> 1) > (v_account, v_ca) order by f ->> 0, f ->> 1 limit 1;
    else
      select w.account, w.ca into v_account, v_ca from ledger.work w
      where w.class = p_class and w.key_group = p_key_group and w.state = 'queued' and (w.account, w.ca) > (v_account, v_ca) and w.deadline > v_from
      order by w.account, w.ca limit 1;
    end if;
    if not found then
      exit when v_wrapped;
      v_wrapped := true;
      v_account := '';
      v_ca := '';
      continue;
    end if;
    exit when p_cursor_account is not null and v_wrapped and (v_account, v_ca) > (p_cursor_account, p_cursor_ca);
    if not exists (select from registry.ca c where c.name = v_ca and c.quarantined) and v_ca <> all (p_skip_cas)
       and not exists (select from registry.ca_token q where q.ca = v_ca and q.token = p_token and q.quarantined)
       and not exists (select from registry.hold h where h.lifted_at is null and h.expires_at > v_now and h.profile is null and h.fraction is null
         and (h.ca is null or h.ca = v_ca) and (h.account is null or h.account = v_account) and (h.class is null or h.class = p_class)) then
      v_accounts := v_accounts || v_account;
      v_cas := v_cas || v_ca;
    end if;
  end loop;
  if v_from = v_now then
    v_next_look := v_now + least(interval '10 s', 20 * (clock_timestamp() - v_now));
  end if;
  if cardinality(v_accounts) = 0 then
    if v_heads ? v_lane then
      perform set_config('sluice.heads', jsonb_set(v_heads, array[v_lane, 'next_look'], to_jsonb(v_next_look))::text, false);
    end if;
    return;
  end if;
  next_account := v_accounts[cardinality(v_accounts)];
  next_ca := v_cas[cardinality(v_cas)];
  v_quota := ceil(p_max::numeric / cardinality(v_accounts));
  -- A hold on part of a flow: its rows are passed over one by one, or they would keep their place at the head for ever.
  v_partial := exists (select from registry.hold h where h.lifted_at is null and h.expires_at > v_now and (h.profile is not null or h.fraction is not null));
  v_without_template := array(
    select p.name from registry.profile p
    where p.state = 'enabled' and not exists (select from registry.template t where t.profile = p.name and t.revision = p.revision and t.compiler = p_compiler));
  loop
    select array_agg(q.request_id order by q.turn, q.deadline), bool_or(q.turn = v_quota), min(q.deadline) into ids, v_full, v_head
    from (
      select t.request_id, t.deadline, t.turn
      from unnest(v_accounts, v_cas) f (account, ca)
      cross join lateral (
        select w.request_id, w.deadline, row_number() over (order by w.deadline, w.request_id) as turn
        from (select x.request_id, x.deadline from ledger.work x
              where x.class = p_class and x.key_group = p_key_group and x.state = 'queued' and x.account = f.account and x.ca = f.ca and x.deadline > v_from
                and (not v_partial or registry.held_by(x.request_id, p_class, x.account, x.ca, x.profile) is null)
                and coalesce(x.profile, '') <> all (v_without_template)
              order by x.deadline, x.request_id limit v_quota) w) t
      order by t.turn, t.deadline limit p_max) q;
    if ids is null and cardinality(v_without_template) > 0 then
      -- Nothing else is there: the claim says `stale`, so that the signer looks at the registry.
      v_without_template := '{}';
      continue;
    end if;
    exit when ids is null or cardinality(ids) >= p_max or not coalesce(v_full, false) or v_quota >= p_max;
    v_quota := least(p_max, v_quota * 4);
  end loop;
  -- With more flows than fit into one claim, the others' heads are not known.
  if v_head is not null and cardinality(v_accounts) < p_max and ledger.work_is_large() then
    v_heads := v_heads || jsonb_build_object(v_lane, jsonb_build_object('head', v_head - interval '1 microsecond', 'next_look', v_next_look));
    perform set_config('sluice.heads', v_heads::text, false);
  elsif v_heads ? v_lane then
    perform set_config('sluice.heads', (v_heads - v_lane)::text, false);
  end if;
end $$;

-- The guards, as in 0003 and 0013: work and shelf are asked for one id at a time. Left to the planner, a session that
-- made its plan while they were empty scans them, with all that is dead in them, at each certificate.
create or replace function ledger.guard_arrival() returns trigger language plpgsql set enable_seqscan = off as $$
declare
  v_stray uuid;
  v_state text;
begin
  select a.request_id, a.state into v_stray, v_state from arrived a
  where not exists (select from (select x.state from ledger.work x where x.request_id = a.request_id offset 0) w where ledger.may_become(w.state, a.state))
    and not exists (select from (select x.state from ledger.shelf x where x.request_id = a.request_id offset 0) s
      where ledger.may_become(s.state, a.state) and tg_table_name = 'outcome')
  limit 1;
  if found then
    raise exception 'request %: no way from where it is to %', v_stray, v_state using errcode = 'SLT01';
  end if;
  return null;
end $$;

create or replace function ledger.guard_departure() returns trigger language plpgsql set enable_seqscan = off as $$
declare
  v_ids uuid[];
  v_first uuid;
  v_last uuid;
  v_lost uuid;
begin
  select array_agg(d.request_id order by d.request_id) into v_ids from departed d;
  if v_ids is null then
    return null;
  end if;
  v_first := v_ids[1];
  v_last := v_ids[cardinality(v_ids)];
  select d.request_id into v_lost from departed d
  where not exists (select from ledger.outcome o where o.request_id = d.request_id and o.request_id between v_first and v_last and ledger.may_become(d.state, o.state))
    and not exists (select from (select x.state from ledger.shelf x where x.request_id = d.request_id offset 0) s where ledger.may_become(d.state, s.state))
    and not exists (select from (select x.state, x.attempt from ledger.work x where x.request_id = d.request_id offset 0) w
      where ledger.may_become(d.state, w.state) and w.attempt >= d.attempt)
  limit 1;
  if found then
    raise exception 'request %: it would be lost', v_lost using errcode = 'SLT01';
  end if;
  return null;
end $$;

-- When a sweep last looked at everything and was done with it.
create table ledger.sweep_mark (
  id integer primary key check (id = 1),
  looked_at timestamptz not null
);
insert into ledger.sweep_mark (id, looked_at) values (1, '-infinity');

-- As in 0007, and it looks at everything every 20 s only; in between at what fell due since 20 s before that look. What
-- fell due earlier and came back since (a lease lost by a request whose deadline was long past) waits for the next one.
create or replace function ledger.sweep(p_caller text, p_incarnation bigint, out swept boolean, out requeued integer, out ended_ids uuid[], out ended_states text[])
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_looked_at timestamptz;
  v_from timestamptz;
  v_more boolean := false;
  v_ids uuid[];
  v_attempts integer[];
  v_held uuid[];
begin
  perform registry.check_lease(p_caller, p_incarnation);
  swept := pg_try_advisory_xact_lock(hashtextextended('sluice:sweep', 0));
  requeued := 0;
  ended_ids := '{}';
  ended_states := '{}';
  if not swept then
    return;
  end if;
  select m.looked_at into v_looked_at from ledger.sweep_mark m where m.id = 1;
  v_from := case when v_looked_at between v_now - interval '20 s' and v_now then v_looked_at - interval '20 s' else '-infinity' end;

  select array_agg(l.request_id), array_agg(l.attempt) into v_ids, v_attempts
  from (select w.request_id, w.attempt from ledger.work w where w.state = 'signing' and w.lease_until > v_from and w.lease_until < v_now order by w.lease_until limit 1000) l;
  if v_ids is not null then
    v_more := cardinality(v_ids) = 1000;
    with lost as (
      select b.request_id, b.state from ledger.burn_attempts(v_ids, v_attempts, array_fill('lease-lost'::text, array[cardinality(v_ids)]), p_caller) b)
    select count(*) filter (where l.state = 'queued'), coalesce(array_agg(l.request_id) filter (where l.state <> 'queued'), '{}'), coalesce(array_agg(l.state) filter (where l.state <> 'queued'), '{}')
      into requeued, ended_ids, ended_states from lost l;
  end if;

  v_ids := array(select y.request_id from ledger.work y where y.state = 'queued' and y.deadline > v_from and y.deadline <= v_now order by y.deadline limit 2000);
  v_more := v_more or cardinality(v_ids) = 2000;
  select array_agg(l.request_id) filter (where not l.held), array_agg(l.request_id) filter (where l.held) into v_ids, v_held
  from (select w.request_id, coalesce(c.quarantined, false) or registry.held_by(w.request_id, w.class, w.account, w.ca, w.profile) is not null as held
        from (select x.* from ledger.work x
              where x.request_id = any(v_ids) and x.state || '' = 'queued' and x.deadline + interval '0' <= v_now
              order by x.request_id for update skip locked) w
        left join registry.ca c on c.name = w.ca) l;
  if v_ids is not null then
    perform ledger.end_requests(v_ids, 'expired', null, p_caller);
    ended_ids := ended_ids || v_ids;
    ended_states := ended_states || array_fill('expired'::text, array[cardinality(v_ids)]);
  end if;
  if v_held is not null then
    perform ledger.shelve(v_held, 'parked', 'held', p_caller, null);
    ended_ids := ended_ids || v_held;
    ended_states := ended_states || array_fill('parked'::text, array[cardinality(v_held)]);
  end if;

  select array_agg(l.request_id) into v_ids
  from (select s.request_id from ledger.shelf s
        where s.request_id in (select t.request_id from ledger.shelf t where t.expires_at <= v_now order by t.expires_at limit 1000)
        order by s.request_id for update skip locked) l;
  if v_ids is not null then
    perform ledger.end_requests(v_ids, 'expired', null, p_caller);
    ended_ids := ended_ids || v_ids;
    ended_states := ended_states || array_fill('expired'::text, array[cardinality(v_ids)]);
  end if;

  -- What was left for want of room is looked for from the start again.
  if v_more then
    update ledger.sweep_mark m set looked_at = '-infinity' where m.id = 1 and m.looked_at <> '-infinity';
  elsif v_from = '-infinity' then
    update ledger.sweep_mark m set looked_at = v_now where m.id = 1;
  end if;
end $$;

create type ledger.lane_load as (class text, key_group text, queued bigint, claimable bigint, signing bigint, oldest timestamptz);

-- The lanes as counted last, for all who ask, while counting them is dear.
create table ledger.lane_count (
  id integer primary key check (id = 1),
  counted_at timestamptz not null,
  lanes ledger.lane_load[] not null
);
insert into ledger.lane_count (id, counted_at, lanes) values (1, '-infinity', '{}');
do $$ begin execute format('grant select on ledger.sweep_mark, ledger.lane_count to %I', current_database() || '_issuer_registry'); end $$;

-- All of work, counted, as in 0005. Claimable: queued and neither quarantined nor held. Holds are asked once per (account,
-- CA, profile), not per row, so one on a fraction counts as none here; the claim itself looks at each row.
create function ledger.count_lanes() returns ledger.lane_load[] language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(array_agg(row(l.*)::ledger.lane_load), '{}') from (
    select g.class, g.key_group, sum(g.queued)::bigint, coalesce(sum(g.queued) filter (where g.claimable), 0)::bigint, sum(g.signing)::bigint,
      min(g.oldest) filter (where g.claimable)
    from (
      select f.*, not coalesce(c.quarantined, false) and not exists (
          select from registry.hold h where h.lifted_at is null and h.expires_at > clock_timestamp() and h.fraction is null
            and (h.ca is null or h.ca = f.ca) and (h.profile is null or h.profile = f.profile)
            and (h.account is null or h.account = f.account) and (h.class is null or h.class = f.class)) as claimable
      from (
        select w.class, w.key_group, w.account, w.ca, w.profile, count(*) filter (where w.state = 'queued') as queued,
          count(*) filter (where w.state = 'signing') as signing, min(w.accepted_at) filter (where w.state = 'queued') as oldest
        from ledger.work w group by 1, 2, 3, 4, 5) f
      left join registry.ca c on c.name = f.ca) g
    group by 1, 2) l
$$;

-- Every process asks once a second. A large table is counted by one of them, so seldom that it takes a few percent of
-- one processor (a quarter of a millisecond per page, at most 10 s), and the others get that count.
create or replace function ledger.lane_loads() returns table (class text, key_group text, queued bigint, claimable bigint, signing bigint, oldest_age_ms bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_keep interval := least(interval '10 s', pg_relation_size('ledger.work') / 8192 * interval '0.25 ms');
  v_large boolean := ledger.work_is_large();
  v_lanes ledger.lane_load[];
begin
  if v_large then
    select c.lanes into v_lanes from ledger.lane_count c where c.id = 1 and (
      c.counted_at between v_now - v_keep and v_now
      or c.counted_at > v_now - interval '30 s' and not pg_try_advisory_xact_lock(hashtextextended('sluice:lane-count', 0)));
  end if;
  if v_lanes is null then
    v_lanes := ledger.count_lanes();
    if v_large then
      update ledger.lane_count c set counted_at = v_now, lanes = v_lanes where c.id = 1;
    end if;
  end if;
  return query select l.class, l.key_group, l.queued, l.claimable, l.signing,
    coalesce(floor(extract(epoch from clock_timestamp() - l.oldest) * 1000), 0)::bigint from unnest(v_lanes) l;
end $$;

reset role;
