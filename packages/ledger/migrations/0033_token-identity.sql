do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- Which token bears a name, told by the public key of its control object when it was first attached. For good: whatever
-- else comes under that name (an empty directory where a volume is not mounted, another volume) is not that token.
create table registry.token (
  name text primary key,
  identity bytea not null check (length(identity) between 16 and 2048),
  first_attached_at timestamptz not null default clock_timestamp()
);
create trigger immutable before update or delete or truncate on registry.token for each statement execute function ledger.refuse_change();

-- Asked before anything is made a token under that name.
create function registry.knows_token(p_token text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from registry.token t where t.name = p_token)
$$;

-- Is there a token of the group, but for these, that a living signer has? One that has just enrolled says which in a moment.
create function registry.has_other_token(p_key_group text, p_tokens text[]) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from registry.subscriber s where not s.fenced and s.service = 'signer'
      and case when s.token is null then s.enrolled_at > clock_timestamp() - interval '10 s'
          else s.key_group = p_key_group and s.token <> all (p_tokens) end)
$$;

-- As in 0023, with `has_other_token`.
create or replace function registry.key_missing(p_caller text, p_incarnation bigint, p_ca text, p_token text, p_detail text) returns text
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
  v_all := v_ca.quarantined or not registry.has_other_token(v_ca.key_group, v_tokens);
  if v_all <> v_ca.quarantined or not exists (select from registry.ca_token q where q.ca = p_ca and q.token = p_token and q.quarantined) then
    perform registry.set_quarantine(p_caller, 'ca-token-quarantine', p_ca, v_tokens, v_all, format('token %s: %s', p_token, left(p_detail, 500)));
  end if;
  return case when v_all then 'ca' else 'ca-token' end;
end $$;

-- CAs of these key groups that are quarantined on every token that is left are quarantined altogether, until a person
-- lifts it. All their locks before the first change, which takes the epoch: the order in which every verb takes them.
create function registry.quarantine_without_token(p_by text, p_key_groups text[], p_reason text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_cas text[];
  v_ca text;
  v_tokens text[];
begin
  v_cas := array(
    select c.name from registry.ca c
    where c.key_group = any (p_key_groups) and not c.quarantined and c.state not in ('destroying', 'destroyed')
      and exists (select from registry.ca_token q where q.ca = c.name and q.quarantined)
    order by c.name);
  foreach v_ca in array v_cas loop
    perform pg_advisory_xact_lock(registry.lock_key('ca', v_ca));
  end loop;
  foreach v_ca in array v_cas loop
    v_tokens := array(select q.token from registry.ca_token q where q.ca = v_ca and q.quarantined);
    if cardinality(v_tokens) > 0 and exists (
      select from registry.ca c where c.name = v_ca and not c.quarantined and c.state not in ('destroying', 'destroyed')
        and not registry.has_other_token(c.key_group, v_tokens)) then
      perform registry.set_quarantine(p_by, 'ca-token-quarantine', v_ca, v_tokens, true, p_reason);
    end if;
  end loop;
end $$;

-- As in 0021; and with the last token that had a CA's key the CA is held, in the same transaction.
create or replace function registry.fence_expired() returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_name text;
  v_fenced text[] := '{}';
begin
  for v_name in select s.name from registry.subscriber s where not s.fenced and s.lease_until < clock_timestamp() order by s.name loop
    continue when not pg_try_advisory_xact_lock(registry.lock_key('subscriber', v_name));
    update registry.subscriber s set fenced = true where s.name = v_name and not s.fenced and s.lease_until < clock_timestamp();
    if found then
      v_fenced := v_fenced || v_name;
      return next v_name;
    end if;
  end loop;
  perform registry.quarantine_without_token(v_fenced[1],
    array(select s.key_group from registry.subscriber s where s.name = any (v_fenced) and s.key_group is not null),
    'no living signer has another token: fenced ' || array_to_string(v_fenced, ', '));
end $$;

drop function registry.attach_token(text, bigint, text, text);

-- Which token a signer has its keys in. Not behind the floor: it is said before anything is applied. When it is none
-- but what the others have, what was left open in the hope of another is decided.
create function registry.attach_token(p_caller text, p_incarnation bigint, p_token text, p_key_group text, p_identity bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
begin
  perform pg_advisory_xact_lock_shared(registry.lock_key('subscriber', p_caller));
  insert into registry.token (name, identity) values (p_token, p_identity) on conflict do nothing;
  if not exists (select from registry.token t where t.name = p_token and t.identity = p_identity) then
    raise exception 'what is mounted is not token %, which was attached before', p_token using errcode = 'SLC01';
  end if;
  update registry.subscriber s set token = p_token, key_group = p_key_group
    where s.name = p_caller and s.incarnation = p_incarnation and s.service = registry.service_of_caller() and not s.fenced;
  if not found then
    raise exception 'subscriber % incarnation % holds no lease', p_caller, p_incarnation using errcode = 'SLF01';
  end if;
  perform registry.quarantine_without_token(p_caller, array[p_key_group], 'no living signer has another token: ' || p_caller || ' has ' || p_token);
end $$;

do $$ begin
  execute format('grant select on registry.token to %I', current_database() || '_issuer_registry');
  execute format('grant execute on function registry.attach_token, registry.knows_token to %I', current_database() || '_signer');
end $$;
reset role;
