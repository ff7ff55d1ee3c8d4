do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- As in 0033, and takes no lock while there is nothing to decide: it is asked once a second.
create or replace function registry.quarantine_without_token(p_by text, p_key_groups text[], p_reason text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_cas text[];
  v_ca text;
  v_tokens text[];
begin
  v_cas := array(
    select c.name from registry.ca c
    cross join lateral (select array_agg(q.token) as tokens from registry.ca_token q where q.ca = c.name and q.quarantined) on_tokens
    where c.key_group = any (p_key_groups) and not c.quarantined and c.state not in ('destroying', 'destroyed')
      and on_tokens.tokens is not null and not registry.has_other_token(c.key_group, on_tokens.tokens)
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

-- As in 0033; and a signer that enrolled and did not say in its 10 s which token it has, or was fenced before, is hoped for
-- no longer: what was left open for its sake is decided, whichever group it is of.
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
  perform registry.quarantine_without_token(coalesce(v_fenced[1], 'issuer-registry'),
    array(select c.key_group from registry.ca c where exists (select from registry.subscriber s where s.service = 'signer'
        and case when s.name = any (v_fenced) then coalesce(s.key_group, c.key_group) = c.key_group
            else not s.fenced and s.token is null and s.enrolled_at <= clock_timestamp() - interval '10 s' end)),
    'no living signer has another token' || coalesce(': fenced ' || nullif(array_to_string(v_fenced, ', '), ''), ''));
end $$;
reset role;
