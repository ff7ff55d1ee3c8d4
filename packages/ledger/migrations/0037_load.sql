do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- What admission reckons with: what is open, lane by lane and by whose, and what there is to sign it with.

drop function ledger.lane_loads();
drop function ledger.count_lanes();
drop table ledger.lane_count;
drop type ledger.lane_load;

-- Of its flows (account, CA): how many have claimable work, and the 100 largest as [account, CA, open, claimable].
create type ledger.lane_load as (class text, key_group text, queued bigint, claimable bigint, signing bigint, oldest timestamptz, flows bigint, largest jsonb);

-- The lanes as counted last, for all who ask, while counting them is dear.
create table ledger.lane_count (
  id integer primary key check (id = 1),
  counted_at timestamptz not null,
  lanes ledger.lane_load[] not null
);
insert into ledger.lane_count (id, counted_at, lanes) values (1, '-infinity', '{}');

-- All of work, counted, as in 0030. Claimable: queued, in time, and neither quarantined nor held. What is being signed
-- counts as claimable in a flow, which it keeps waiting like any other.
create function ledger.count_lanes() returns ledger.lane_load[] language sql stable set search_path = pg_catalog, pg_temp as $$
  with part as (
    select w.class, w.key_group, w.account, w.ca, w.profile, count(*) filter (where w.state = 'queued') as queued,
      count(*) filter (where w.state = 'queued' and w.deadline > clock_timestamp()) as in_time,
      count(*) filter (where w.state = 'signing') as signing, min(w.accepted_at) filter (where w.state = 'queued') as oldest
    from ledger.work w group by 1, 2, 3, 4, 5
  ), judged as (
    select p.*, not coalesce(c.quarantined, false) and not exists (
        select from registry.hold h where h.lifted_at is null and h.expires_at > clock_timestamp() and h.fraction is null
          and (h.ca is null or h.ca = p.ca) and (h.profile is null or h.profile = p.profile)
          and (h.account is null or h.account = p.account) and (h.class is null or h.class = p.class)) as claimable
    from part p left join registry.ca c on c.name = p.ca
  ), flow as (
    select j.class, j.key_group, j.account, j.ca, sum(j.queued) as queued, coalesce(sum(j.in_time) filter (where j.claimable), 0) as claimable,
      sum(j.signing) as signing, min(j.oldest) filter (where j.claimable) as oldest
    from judged j group by 1, 2, 3, 4
  ), ranked as (
    select f.*, row_number() over (partition by f.class, f.key_group order by f.queued + f.signing desc, f.account, f.ca) as place from flow f
  )
  select coalesce(array_agg(row(l.*)::ledger.lane_load), '{}') from (
    select r.class, r.key_group, sum(r.queued)::bigint, sum(r.claimable)::bigint, sum(r.signing)::bigint, min(r.oldest),
      count(*) filter (where r.claimable + r.signing > 0),
      jsonb_agg(jsonb_build_array(r.account, r.ca, r.queued + r.signing, r.claimable + r.signing) order by r.place) filter (where r.place <= 100)
    from ranked r group by 1, 2) l
$$;

-- Every process asks once a second. A large table is counted by one of them, so seldom that it takes a few percent of
-- one processor (a quarter of a millisecond per page, at most 10 s), and the others get that count.
create function ledger.counted_lanes(out counted_at timestamptz, out lanes ledger.lane_load[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_keep interval := least(interval '10 s', pg_relation_size('ledger.work') / 8192 * interval '0.25 ms');
  v_large boolean := ledger.work_is_large();
begin
  if v_large then
    select c.counted_at, c.lanes into counted_at, lanes from ledger.lane_count c where c.id = 1 and (
      c.counted_at between v_now - v_keep and v_now
      or c.counted_at > v_now - interval '30 s' and not pg_try_advisory_xact_lock(hashtextextended('sluice:lane-count', 0)));
  end if;
  if lanes is null then
    counted_at := v_now;
    lanes := ledger.count_lanes();
    if v_large then
      update ledger.lane_count c set counted_at = v_now, lanes = counted_lanes.lanes where c.id = 1;
    end if;
  end if;
end $$;

create function ledger.lane_loads() returns table (class text, key_group text, queued bigint, claimable bigint, signing bigint, oldest_age_ms bigint)
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select l.class, l.key_group, l.queued, l.claimable, l.signing,
    coalesce(floor(extract(epoch from clock_timestamp() - l.oldest) * 1000), 0)::bigint from ledger.counted_lanes() c cross join unnest(c.lanes) l
$$;

-- What the signers of a key group say of the last 5 s. Null: nobody knows, as before the first signature, or the first
-- signer. 0: its signers say nothing any more.
create function ledger.capacity_of(p_key_group text) returns double precision
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_signers integer;
  v_per_second double precision;
begin
  select count(*), sum(c.per_second) into v_signers, v_per_second
  from ledger.signer_capacity c join registry.subscriber s on s.name = c.signer and not s.fenced
  where c.key_group = p_key_group and c.reported_at > clock_timestamp() - interval '5 s';
  if v_signers = 0 then
    perform from (select c.signer from ledger.signer_capacity c where c.key_group = p_key_group order by c.reported_at desc limit 1) l;
    if found then
      return 0;
    end if;
  end if;
  return v_per_second;
end $$;

create function ledger.read_load(out age_ms bigint, out front_ends bigint, out capacities jsonb, out lanes jsonb)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  select floor(extract(epoch from v_now - least(v_now, c.counted_at)) * 1000),
    coalesce((select jsonb_agg(jsonb_build_object('class', l.class, 'keyGroup', l.key_group, 'queued', l.queued, 'claimable', l.claimable, 'signing', l.signing,
      'oldestAgeMs', coalesce(floor(extract(epoch from v_now - l.oldest) * 1000), 0), 'flows', l.flows, 'largest', l.largest)) from unnest(c.lanes) l), '[]')
    into age_ms, lanes from ledger.counted_lanes() c;
  select coalesce(jsonb_object_agg(g.key_group, ledger.capacity_of(g.key_group)), '{}') into capacities from (select distinct c.key_group from registry.ca c) g;
  select count(*) into front_ends from registry.subscriber s where s.service = 'identity-api' and not s.fenced and s.lease_until > v_now;
end $$;

do $$ begin
  execute format('grant execute on function ledger.lane_loads to %I', current_database() || '_signer');
  execute format('grant execute on function ledger.read_load to %I', current_database() || '_identity_api');
  execute format('grant select on ledger.lane_count to %I', current_database() || '_issuer_registry');
end $$;
reset role;
