do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- As 0012 has it, but a step that has caught up with what came goes on to one more range of the past: `recent` moves
-- with the clock, so it is never quite reached, and the past was never looked at.
create or replace function ledger.audit_next(p_caller text, p_incarnation bigint, p_requests integer, out audited boolean, out behind_ms bigint, out findings ledger.audit_finding[])
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_until uuid := ledger.uuid_floor(clock_timestamp() - interval '30 s');
  v_mark ledger.audit_mark;
  v_end uuid;
begin
  perform registry.check_caller(p_caller, p_incarnation);
  findings := '{}';
  behind_ms := 0;
  audited := pg_try_advisory_xact_lock(hashtextextended('sluice:audit', 0));
  if not audited then
    return;
  end if;
  select m.* into v_mark from ledger.audit_mark m;
  if v_mark.recent < v_until then
    v_end := ledger.audit_end(v_mark.recent, v_until, p_requests);
    findings := array(select f from ledger.audit(v_mark.recent, v_end) f);
    update ledger.audit_mark m set recent = v_end;
    v_mark.recent := v_end;
    behind_ms := floor(extract(epoch from ledger.uuid_instant(v_until) - ledger.uuid_instant(v_end)) * 1000)::bigint;
  end if;
  if v_mark.recent >= v_until then
    v_end := ledger.audit_end(v_mark.past, v_mark.recent, p_requests);
    findings := findings || array(select f from ledger.audit(v_mark.past, v_end) f);
    update ledger.audit_mark m set past = case when v_end >= v_mark.recent then ledger.uuid_floor('epoch') else v_end end;
  end if;
end $$;

reset role;
