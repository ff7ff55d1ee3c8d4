do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- Under a lock that fencing takes alone: refuses a caller that another incarnation has replaced, that is fenced, or
-- whose lease has run out.
create function registry.check_lease(p_name text, p_incarnation bigint, out token text, out is_behind boolean)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock_shared(registry.lock_key('subscriber', p_name));
  select s.token, s.applied_epoch < s.floor_epoch into token, is_behind from registry.subscriber s
    where s.name = p_name and s.incarnation = p_incarnation and s.service = registry.service_of_caller()
      and not s.fenced and s.lease_until > clock_timestamp();
  if not found then
    raise exception 'subscriber % incarnation % holds no lease', p_name, p_incarnation using errcode = 'SLF01';
  end if;
end $$;

-- And one that acts on less than was confirmed when it enrolled: for accept and claim. Returns its token.
create or replace function registry.check_caller(p_name text, p_incarnation bigint) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_self record;
begin
  select * into v_self from registry.check_lease(p_name, p_incarnation);
  if v_self.is_behind then
    raise exception 'subscriber % acts on less than was confirmed', p_name using errcode = 'SLS01';
  end if;
  return v_self.token;
end $$;

-- The floor keeps from accepting and claiming, not from catching up: a signer registers the templates of a version
-- before it has applied it. Nor from what goes by the ledger alone: sweep and audit.
do $$
declare
  v_verb regproc;
  v_text text;
begin
  foreach v_verb in array array['ledger.register_templates', 'ledger.sweep', 'ledger.audit_next']::regproc[] loop
    v_text := pg_get_functiondef(v_verb);
    if array_length(string_to_array(v_text, 'registry.check_caller('), 1) <> 2 then
      raise exception '% looks at its caller in another way', v_verb;
    end if;
    execute replace(v_text, 'registry.check_caller(', 'registry.check_lease(');
  end loop;
end $$;
reset role;
