-- An open transaction keeps vacuum from every row that left since it began. Whose it is, only a role with
-- pg_read_all_stats may see of others; without the right to grant it, the watch sees those of its own role alone.
do $$
begin
  execute format('grant pg_read_all_stats to %I', current_database() || '_owner');
exception when insufficient_privilege then
  raise notice 'pg_read_all_stats was not granted: transactions of other roles are not seen by ledger.vacuum_watch()';
end $$;

do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- What keeps the dead rows of ledger.work: the oldest transaction with a snapshot, or one that is prepared. No statement's
-- text is told. A vacuum keeps nothing from others.
create function ledger.vacuum_watch(out dead_rows bigint, out oldest_transaction_ms bigint, out held_by text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  dead_rows := pg_stat_get_dead_tuples('ledger.work'::regclass);
  select floor(extract(epoch from clock_timestamp() - t.since) * 1000)::bigint, t.whose into oldest_transaction_ms, held_by
  from (
    select a.xact_start as since, format('%s, role %s, program %s, %s', a.pid, a.usename, coalesce(nullif(a.application_name, ''), '?'), coalesce(a.state, a.backend_type)) as whose
    from pg_stat_activity a
    where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type <> 'autovacuum worker'
      and (a.backend_xid is not null or a.backend_xmin is not null) and a.xact_start is not null
    union all
    select p.prepared, format('prepared transaction %s, role %s', p.gid, p.owner) from pg_prepared_xacts p where p.database = current_database()) t
  order by t.since limit 1;
  oldest_transaction_ms := coalesce(greatest(oldest_transaction_ms, 0), 0);
end $$;
do $$ begin execute format('grant execute on function ledger.vacuum_watch to %I', current_database() || '_issuer_registry'); end $$;

reset role;
