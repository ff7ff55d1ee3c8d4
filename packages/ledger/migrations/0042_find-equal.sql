do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- What is open or shelved of an equal order. Who is about to be refused joins it instead, as accept would have joined it.
create function ledger.find_equal(p_accounts text[], p_fingerprints bytea[]) returns table (ordinal integer, request_id uuid)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  return query
    select u.ordinal::integer, f.request_id
    from unnest(p_accounts, p_fingerprints) with ordinality u (account, fingerprint, ordinal)
    cross join lateral (select x.request_id from ledger.open_fingerprint x where x.fingerprint = u.fingerprint and x.account = u.account offset 0) f;
end $$;

do $$ begin execute format('grant execute on function ledger.find_equal to %I', current_database() || '_identity_api'); end $$;
revoke execute on function ledger.find_equal from public;
reset role;
