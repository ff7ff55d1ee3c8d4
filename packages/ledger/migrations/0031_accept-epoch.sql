do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- As in 0026, for an act that began under this epoch. What is in force now says nothing about an order that waited:
-- a process that was fenced meanwhile and enrolled anew may have applied the newest version, and the order was looked
-- at under one before it.
create function registry.check_caller(p_name text, p_incarnation bigint, p_epoch bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform registry.check_caller(p_name, p_incarnation);
  if exists (select from registry.subscriber s where s.name = p_name and s.floor_epoch > p_epoch) then
    raise exception 'subscriber % accepts under epoch %, and more was confirmed', p_name, p_epoch using errcode = 'SLS01';
  end if;
end $$;

-- Accept is told the oldest epoch that a row of its batch was looked at under.
do $$
declare
  v_old regprocedure := 'ledger.accept'::regproc;
  v_text text := pg_get_functiondef(v_old);
begin
  if array_length(string_to_array(v_text, 'registry.check_caller(p_caller, p_incarnation)'), 1) <> 3 then
    raise exception '% looks at its caller in another way', v_old;
  end if;
  v_text := replace(v_text, 'p_incarnation bigint, ', 'p_incarnation bigint, p_epoch bigint, ');
  v_text := replace(v_text, 'registry.check_caller(p_caller, p_incarnation)', 'registry.check_caller(p_caller, p_incarnation, p_epoch)');
  execute format('drop function %s', v_old);
  execute v_text;
  execute format('grant execute on function ledger.accept to %I', current_database() || '_identity_api');
end $$;
revoke execute on function ledger.accept from public;

reset role;
