do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- SQLSTATEs of our own, one per code of packages/errors:
--   SLF01 fenced · SLC01 conflict · SLN01 not-found · SLA01 ca-unknown · SLP01 profile-unknown · SLX01 forbidden · SLT01 a transition the tables do not name

-- The service behind a connection, from its login role: nobody can claim to be another.
create function registry.service_of_caller() returns text language sql stable set search_path = pg_catalog, pg_temp as $$
  select case session_user
    when current_database() || '_identity_api' then 'identity-api'
    when current_database() || '_signer' then 'signer'
    when current_database() || '_issuer_registry' then 'issuer-registry'
    when current_database() || '_ocsp_responder' then 'ocsp-responder'
  end
$$;

create function registry.lock_key(p_kind text, p_name text) returns bigint language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select hashtextextended('sluice:' || p_kind || ':' || p_name, 0)
$$;

-- A process begins: its incarnation grows, whoever bore the name before is fenced by that. Lease 30 s.
create function registry.enrol(p_name text) returns table (incarnation bigint, lease_until timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_service text := registry.service_of_caller();
begin
  if v_service is null then
    raise exception 'role % is no service', session_user using errcode = 'SLX01';
  end if;
  perform pg_advisory_xact_lock(registry.lock_key('subscriber', p_name));
  return query
    insert into registry.subscriber as s (name, service, incarnation, lease_until)
    values (p_name, v_service, floor(extract(epoch from clock_timestamp()) * 1000)::bigint, clock_timestamp() + interval '30 s')
    on conflict (name) do update
      set incarnation = greatest(s.incarnation + 1, excluded.incarnation), lease_until = excluded.lease_until,
          fenced = false, enrolled_at = clock_timestamp(), renewed_at = clock_timestamp()
      where s.service = excluded.service
    returning s.incarnation, s.lease_until;
  if not found then
    raise exception 'subscriber % belongs to another service', p_name using errcode = 'SLC01';
  end if;
end $$;

-- Under a lock that fencing takes alone: refuses a caller that another incarnation has replaced, that is fenced, or
-- whose lease has run out.
create function registry.check_caller(p_name text, p_incarnation bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock_shared(registry.lock_key('subscriber', p_name));
  perform from registry.subscriber s
    where s.name = p_name and s.incarnation = p_incarnation and s.service = registry.service_of_caller()
      and not s.fenced and s.lease_until > clock_timestamp();
  if not found then
    raise exception 'subscriber % incarnation % holds no lease', p_name, p_incarnation using errcode = 'SLF01';
  end if;
end $$;

create function registry.renew(p_name text, p_incarnation bigint, p_applied_epoch bigint) returns timestamptz
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_until timestamptz;
begin
  perform pg_advisory_xact_lock_shared(registry.lock_key('subscriber', p_name));
  update registry.subscriber s
    set lease_until = clock_timestamp() + interval '30 s', renewed_at = clock_timestamp(), applied_epoch = greatest(s.applied_epoch, p_applied_epoch)
    where s.name = p_name and s.incarnation = p_incarnation and s.service = registry.service_of_caller() and not s.fenced
    returning s.lease_until into v_until;
  if not found then
    raise exception 'subscriber % incarnation % holds no lease', p_name, p_incarnation using errcode = 'SLF01';
  end if;
  return v_until;
end $$;

-- The hold that keeps this request back, if any. Lifted and expired ones keep nothing.
create function registry.held_by(p_request uuid, p_class text, p_account text, p_ca text, p_profile text) returns uuid
language sql stable set search_path = pg_catalog, pg_temp as $$
  select h.id from registry.hold h
  where h.lifted_at is null and h.expires_at > clock_timestamp()
    and (h.ca is null or h.ca = p_ca) and (h.profile is null or h.profile = p_profile)
    and (h.account is null or h.account = p_account) and (h.class is null or h.class = p_class)
    and (h.fraction is null or ('x' || substr(md5(p_request::text), 1, 8))::bit(32)::bigint::double precision / 4294967296 < h.fraction)
  limit 1
$$;

-- Claimable: queued and neither quarantined nor held. Holds are asked once per (account, CA, profile), not per row, so
-- one on a fraction counts as none here; the claim itself looks at each row.
create function ledger.lane_loads() returns table (class text, key_group text, queued bigint, claimable bigint, signing bigint, oldest_age_ms bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select g.class, g.key_group, sum(g.queued)::bigint, coalesce(sum(g.queued) filter (where g.claimable), 0)::bigint, sum(g.signing)::bigint,
    coalesce(floor(extract(epoch from clock_timestamp() - min(g.oldest) filter (where g.claimable)) * 1000), 0)::bigint
  from (
    select f.*, not coalesce(c.quarantined, false) and not exists (
        select from registry.hold h where h.lifted_at is null and h.expires_at > clock_timestamp() and h.fraction is null
          and (h.ca is null or h.ca = f.ca) and (h.profile is null or h.profile = f.profile)
          and (h.account is null or h.account = f.account) and (h.class is null or h.class = f.class)) as claimable
    from (
      select w.class, w.key_group, w.account, w.ca, w.profile, count(*) filter (where w.state = 'queued') as queued,
        count(*) filter (where w.state = 'signing') as signing, min(w.accepted_at) filter (where w.state = 'queued') as oldest
      from ledger.work w group by 1, 2, 3, 4, 5) f
    left join registry.ca c on c.name = f.ca) g
  group by 1, 2
$$;

reset role;
