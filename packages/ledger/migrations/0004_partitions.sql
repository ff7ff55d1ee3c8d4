do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- The smallest UUIDv7 of an instant (RFC 9562 section 5.7: 48 bits of Unix milliseconds first).
create function ledger.uuid_floor(p_at timestamptz) returns uuid language sql immutable parallel safe as $$
  select (lpad(to_hex(floor(extract(epoch from p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- The instant of a UUIDv7, in milliseconds.
create function ledger.uuid_instant(p_id uuid) returns timestamptz language sql immutable parallel safe as $$
  select to_timestamp(('x' || substr(replace(p_id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0)
$$;

create table ledger.request_default partition of ledger.request default;
create table ledger.outcome_default partition of ledger.outcome default;
create table ledger.certificate_default partition of ledger.certificate default;
create table ledger.event_default partition of ledger.event default;
-- A statement that names a partition fires the partition's triggers, not the parent's. Only make_partitions deletes
-- from the default ones, when it moves their rows.
create trigger immutable before update or truncate on ledger.request_default for each statement execute function ledger.refuse_change();
create trigger immutable before update or truncate on ledger.outcome_default for each statement execute function ledger.refuse_change();
create trigger immutable before update or truncate on ledger.certificate_default for each statement execute function ledger.refuse_change();
create trigger immutable before update or truncate on ledger.event_default for each statement execute function ledger.refuse_change();

-- Makes weekly partitions (Monday to Monday, UTC) that cover p_now - 1 day to p_now + p_days, and those of the last 400
-- days whose rows fell into a default partition meanwhile (nobody ran this for weeks, a clock ran ahead): they move into
-- their own. ATTACH, not PARTITION OF: it does not lock the parent against writers. Returns the names made.
create function ledger.make_partitions(p_days integer, p_now timestamptz default clock_timestamp()) returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_table text;
  v_key text;
  v_from timestamptz;
  v_name text;
  v_lo uuid;
  v_hi uuid;
begin
  if p_days not between 1 and 400 then
    raise exception 'between 1 and 400 days ahead' using errcode = 'SLC01';
  end if;
  -- Several registries: one makes, the others find it made.
  perform pg_advisory_xact_lock(hashtextextended('sluice:partitions', 0));
  for v_from in
    select w.week at time zone 'UTC' from (
      select g.week from generate_series(date_trunc('week', (p_now - interval '1 day') at time zone 'UTC'), (p_now + make_interval(days => p_days)) at time zone 'UTC', interval '7 days') g (week)
      union
      select date_trunc('week', ledger.uuid_instant(d.id) at time zone 'UTC')
      from (select id from ledger.request_default union all select request_id from ledger.outcome_default
            union all select request_id from ledger.certificate_default union all select request_id from ledger.event_default) d
      where d.id >= ledger.uuid_floor(p_now - interval '400 days') and d.id < ledger.uuid_floor(p_now + make_interval(days => p_days))) w
    order by 1
  loop
    v_lo := ledger.uuid_floor(v_from);
    v_hi := ledger.uuid_floor(v_from + interval '7 days');
    foreach v_table in array array['request', 'outcome', 'certificate', 'event'] loop
      v_name := v_table || to_char(v_from at time zone 'UTC', '_IYYY"w"IW');
      continue when to_regclass('ledger.' || v_name) is not null;
      v_key := case v_table when 'request' then 'id' else 'request_id' end;
      execute format('create table ledger.%I (like ledger.%I including all)', v_name, v_table);
      execute format('lock table ledger.%I in access exclusive mode', v_table || '_default');
      execute format('with moved as (delete from ledger.%I where %I >= %L and %I < %L returning *) insert into ledger.%I select * from moved',
        v_table || '_default', v_key, v_lo, v_key, v_hi, v_name);
      execute format('create trigger immutable before update or delete or truncate on ledger.%I for each statement execute function ledger.refuse_change()', v_name);
      execute format('alter table ledger.%I attach partition ledger.%I for values from (%L) to (%L)', v_table, v_name, v_lo, v_hi);
      return next v_name;
    end loop;
  end loop;
end $$;

-- How many days from p_now on have their partition, and how many rows wait in the default ones.
create function ledger.partition_watch(p_now timestamptz default clock_timestamp()) returns table (days_ahead integer, rows_in_default bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_from timestamptz := date_trunc('week', p_now at time zone 'UTC') at time zone 'UTC';
begin
  while to_regclass('ledger.request' || to_char(v_from at time zone 'UTC', '_IYYY"w"IW')) is not null loop
    v_from := v_from + interval '7 days';
  end loop;
  days_ahead := greatest(0, floor(extract(epoch from v_from - p_now) / 86400))::integer;
  select (select count(*) from ledger.request_default) + (select count(*) from ledger.outcome_default)
       + (select count(*) from ledger.certificate_default) + (select count(*) from ledger.event_default) into rows_in_default;
  return next;
end $$;

select count(*) from ledger.make_partitions(21);

reset role;
