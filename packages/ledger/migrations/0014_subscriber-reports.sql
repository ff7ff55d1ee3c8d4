do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- What each process last said of itself (is it ready, what is wrong, which breakers are not closed), for
-- `sluice status`. Nothing is decided by it.
alter table registry.subscriber add column reported jsonb;

drop function registry.renew(text, bigint, bigint);

-- As in 0005, and keeps the report; one that is too long is not worth a lease and is left out. Answers with the
-- ledger's clock, read after the lock: by it a process knows how far its own is off.
create function registry.renew(p_name text, p_incarnation bigint, p_applied_epoch bigint, p_reported jsonb default null) returns timestamptz
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
begin
  perform pg_advisory_xact_lock_shared(registry.lock_key('subscriber', p_name));
  update registry.subscriber s
    set lease_until = clock_timestamp() + interval '30 s', renewed_at = clock_timestamp(), applied_epoch = greatest(s.applied_epoch, p_applied_epoch),
        reported = case when octet_length(p_reported::text) <= 4000 then p_reported end
    where s.name = p_name and s.incarnation = p_incarnation and s.service = registry.service_of_caller() and not s.fenced;
  if not found then
    raise exception 'subscriber % incarnation % holds no lease', p_name, p_incarnation using errcode = 'SLF01';
  end if;
  return clock_timestamp();
end $$;

do $$
declare
  v_role text;
begin
  foreach v_role in array array['identity_api', 'signer', 'issuer_registry', 'ocsp_responder'] loop
    execute format('grant execute on function registry.renew to %I', current_database() || '_' || v_role);
  end loop;
end $$;
-- As in 0011, with every code that packages/issuance explains (test/integration/ledger-guards.test.ts compares).
create or replace function ledger.uses_up_attempt(p_code text) returns boolean language sql immutable parallel safe as $$
  select p_code not in ('profile-unknown', 'profile-disabled', 'account-disabled', 'ca-unknown', 'ca-pending', 'ca-disabled', 'ca-retiring', 'ca-destroying',
    'ca-destroyed', 'ca-expiring', 'key-blocked', 'not-permitted', 'forbidden', 'csr-invalid', 'key-weak', 'subject-invalid', 'validity-invalid', 'lint-failed',
    'body-invalid', 'key-missing', 'token-failed', 'unavailable', 'outcome-unknown', 'stale-snapshot', 'clock-skewed', 'draining')
$$;
reset role;
