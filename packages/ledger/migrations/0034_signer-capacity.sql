do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- What each signer can sign, as it measures it itself; admission divides what is open by it. Written once a second by
-- each signer and read once a second by each front end, so both start where the last minute does (0030).
create table ledger.signer_capacity (
  signer text not null references registry.subscriber (name) on delete cascade,
  key_group text not null,
  -- Signatures per second; null while it has signed nothing yet.
  per_second double precision check (per_second >= 0 and per_second < 'Infinity'),
  reported_at timestamptz not null
) with (fillfactor = 50);
create index signer_capacity_latest on ledger.signer_capacity (key_group, reported_at);

-- Crash after this: the report is old after 3 s, and counts no more.
create function ledger.report_capacity(p_caller text, p_incarnation bigint, p_key_group text, p_per_second double precision) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  perform registry.check_lease(p_caller, p_incarnation);
  update ledger.signer_capacity c set per_second = p_per_second, reported_at = v_now
    where c.key_group = p_key_group and c.reported_at > v_now - interval '1 min' and c.signer = p_caller;
  if not found then
    delete from ledger.signer_capacity c where c.signer = p_caller;
    insert into ledger.signer_capacity (signer, key_group, per_second, reported_at) values (p_caller, p_key_group, p_per_second, v_now);
  end if;
end $$;

do $$ begin
  execute format('grant execute on function ledger.report_capacity to %I', current_database() || '_signer');
  execute format('grant select on ledger.signer_capacity to %I', current_database() || '_issuer_registry');
end $$;
reset role;
