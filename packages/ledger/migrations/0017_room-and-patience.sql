do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- What an open breaker asks: would a write that failed go through now? A server with a full disk, and one that has
-- become a standby, answer `select 1` all the same. Writes 1 MB into a temporary file: fails while there is no room.
create function ledger.takes_writes() returns void
language plpgsql set search_path = pg_catalog, pg_temp set work_mem = '64kB' as $$
begin
  if current_setting('transaction_read_only')::boolean then
    raise exception 'this server takes no writes' using errcode = '25006';
  end if;
  perform count(*) from (with filler as materialized (select repeat('x', 1000) from generate_series(1, 1000)) select from filler) f;
end $$;

do $$
declare
  v_role text;
begin
  foreach v_role in array array['identity_api', 'signer', 'issuer_registry', 'ocsp_responder'] loop
    execute format('grant execute on function ledger.takes_writes to %I', current_database() || '_' || v_role);
  end loop;
end $$;

-- A partition to be made: which table's, its name, and the ids that belong into it.
create type ledger.partition_range as (parent text, name text, lo uuid, hi uuid);

-- As in 0004, but patient. Whoever waits to have a default partition alone waits for its longest reader, and everybody
-- else who needs it behind him: so it waits a tenth of a second at a time and lets the others pass between. Throws
-- lock_not_available after ten times; the registry asks again a minute later.
create or replace function ledger.make_partitions(p_days integer, p_now timestamptz default clock_timestamp()) returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_missing ledger.partition_range[];
  v_new ledger.partition_range;
  v_key text;
begin
  if p_days not between 1 and 400 then
    raise exception 'between 1 and 400 days ahead' using errcode = 'SLC01';
  end if;
  -- Several registries: one makes, the others find it made.
  perform pg_advisory_xact_lock(hashtextextended('sluice:partitions', 0));
  select array_agg(row(t.parent, t.name, ledger.uuid_floor(t.beginning), ledger.uuid_floor(t.beginning + interval '7 days'))::ledger.partition_range order by t.beginning) into v_missing
  from (select p.parent, p.parent || to_char(w.week, '_IYYY"w"IW') as name, w.week at time zone 'UTC' as beginning
    from (
      select g.week from generate_series(date_trunc('week', (p_now - interval '1 day') at time zone 'UTC'), (p_now + make_interval(days => p_days)) at time zone 'UTC', interval '7 days') g (week)
      union
      select date_trunc('week', ledger.uuid_instant(d.id) at time zone 'UTC')
      from (select id from ledger.request_default union all select request_id from ledger.outcome_default
            union all select request_id from ledger.certificate_default union all select request_id from ledger.event_default) d
      where d.id >= ledger.uuid_floor(p_now - interval '400 days') and d.id < ledger.uuid_floor(p_now + make_interval(days => p_days))) w
    cross join unnest(array['request', 'outcome', 'certificate', 'event']) p (parent)) t
  where to_regclass('ledger.' || t.name) is null;
  if v_missing is null then
    return;
  end if;

  foreach v_new in array v_missing loop
    execute format('create table ledger.%I (like ledger.%I including all)', v_new.name, v_new.parent);
  end loop;

  perform set_config('lock_timeout', '100ms', true);
  for v_try in 1..10 loop
    begin
      lock table ledger.request_default, ledger.outcome_default, ledger.certificate_default, ledger.event_default in access exclusive mode;
      exit;
    exception when lock_not_available then
      if v_try = 10 then
        raise;
      end if;
    end;
    perform pg_sleep(0.2 + 0.2 * random());
  end loop;

  foreach v_new in array v_missing loop
    v_key := case v_new.parent when 'request' then 'id' else 'request_id' end;
    execute format('with moved as (delete from ledger.%I where %I >= %L and %I < %L returning *) insert into ledger.%I select * from moved',
      v_new.parent || '_default', v_key, v_new.lo, v_key, v_new.hi, v_new.name);
    execute format('create trigger immutable before update or delete or truncate on ledger.%I for each statement execute function ledger.refuse_change()', v_new.name);
    execute format('alter table ledger.%I attach partition ledger.%I for values from (%L) to (%L)', v_new.parent, v_new.name, v_new.lo, v_new.hi);
    return next v_new.name;
  end loop;
end $$;

reset role;
