do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- Which token a signer has its keys in. Not behind the floor: it is said before anything is applied.
create function registry.attach_token(p_caller text, p_incarnation bigint, p_token text, p_key_group text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
begin
  perform pg_advisory_xact_lock_shared(registry.lock_key('subscriber', p_caller));
  update registry.subscriber s set token = p_token, key_group = p_key_group
    where s.name = p_caller and s.incarnation = p_incarnation and s.service = registry.service_of_caller() and not s.fenced;
  if not found then
    raise exception 'subscriber % incarnation % holds no lease', p_caller, p_incarnation using errcode = 'SLF01';
  end if;
end $$;

-- The quarantine of a CA, as it is told in its changes.
create function registry.quarantine_of(p_ca text) returns jsonb language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('quarantined', c.quarantined,
    'tokens', to_jsonb(array(select q.token from registry.ca_token q where q.ca = c.name and q.quarantined order by q.token collate "C")))
  from registry.ca c where c.name = p_ca
$$;

-- Puts a CA's quarantine as given, with a new epoch; its lock is held alone.
create function registry.set_quarantine(p_by text, p_kind text, p_ca text, p_tokens text[], p_quarantined boolean, p_reason text) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_epoch bigint;
begin
  v_epoch := registry.record_change(p_by, p_kind, p_ca, p_reason, registry.quarantine_of(p_ca),
    jsonb_build_object('quarantined', p_quarantined, 'tokens', to_jsonb(array(select t.name from unnest(p_tokens) t (name) order by t.name collate "C"))));
  insert into registry.ca_token as q (ca, token, quarantined, reason)
  select p_ca, t.name, true, p_reason from unnest(p_tokens) t (name)
  on conflict (ca, token) do update set quarantined = true, reason = excluded.reason, since = clock_timestamp() where not q.quarantined;
  update registry.ca_token q set quarantined = false, reason = p_reason, since = clock_timestamp() where q.ca = p_ca and q.quarantined and q.token <> all (p_tokens);
  update registry.ca c set quarantined = p_quarantined, epoch = v_epoch where c.name = p_ca;
  return v_epoch;
end $$;

-- The token answers and lacks the CA's key. The CA is held on it; and altogether, when no token of its group is left
-- that a living signer has attached. Told again it changes nothing. Never for a CA whose key is being destroyed.
create function registry.key_missing(p_caller text, p_incarnation bigint, p_ca text, p_token text, p_detail text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_ca registry.ca;
  v_tokens text[];
  v_all boolean;
begin
  if registry.check_caller(p_caller, p_incarnation) is distinct from p_token then
    raise exception 'signer % has no token %', p_caller, p_token using errcode = 'SLX01';
  end if;
  perform pg_advisory_xact_lock(registry.lock_key('ca', p_ca));
  select c.* into v_ca from registry.ca c where c.name = p_ca for no key update;
  if not found then
    raise exception 'no CA named %', p_ca using errcode = 'SLA01';
  end if;
  if not exists (select from registry.subscriber s where s.name = p_caller and s.key_group = v_ca.key_group) then
    raise exception 'token % is not of key group %', p_token, v_ca.key_group using errcode = 'SLX01';
  end if;
  if v_ca.state in ('destroying', 'destroyed') then
    raise exception 'CA % is %: its key is not missed', p_ca, v_ca.state using errcode = 'SLC01';
  end if;
  v_tokens := array(select q.token from registry.ca_token q where q.ca = p_ca and q.quarantined);
  if p_token <> all (v_tokens) then
    v_tokens := v_tokens || p_token;
  end if;
  v_all := v_ca.quarantined or not exists (
    select from registry.subscriber s where s.key_group = v_ca.key_group and not s.fenced and s.token <> all (v_tokens));
  if v_all <> v_ca.quarantined or not exists (select from registry.ca_token q where q.ca = p_ca and q.token = p_token and q.quarantined) then
    perform registry.set_quarantine(p_caller, 'ca-token-quarantine', p_ca, v_tokens, v_all, format('token %s: %s', p_token, left(p_detail, 500)));
  end if;
  return case when v_all then 'ca' else 'ca-token' end;
end $$;

-- By a person: for one token or, without a name, for all. What the CA held altogether ends with it.
create function registry.lift_quarantine(p_operator text, p_ca text, p_token text, p_reason text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_quarantined boolean;
  v_tokens text[];
begin
  perform pg_advisory_xact_lock(registry.lock_key('ca', p_ca));
  select c.quarantined into v_quarantined from registry.ca c where c.name = p_ca for no key update;
  if not found then
    raise exception 'no CA named %', p_ca using errcode = 'SLN01';
  end if;
  v_tokens := array(select q.token from registry.ca_token q where q.ca = p_ca and q.quarantined);
  if (p_token is null and not v_quarantined and cardinality(v_tokens) = 0) or p_token <> all (v_tokens) then
    raise exception 'CA % is not quarantined%', p_ca, coalesce(' on token ' || p_token, '') using errcode = 'SLC01';
  end if;
  return registry.set_quarantine(p_operator, 'ca-quarantine-lift', p_ca, case when p_token is null then '{}' else array_remove(v_tokens, p_token) end, false, p_reason);
end $$;

do $$
declare
  v_db text := current_database();
begin
  execute format('grant execute on function registry.attach_token, registry.key_missing to %I', v_db || '_signer');
  execute format('grant execute on function registry.lift_quarantine to %I', v_db || '_issuer_registry');
end $$;
reset role;
