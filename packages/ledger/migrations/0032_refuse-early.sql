do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- As in 0021; and a refusal is of a version that there is: an epoch from nowhere would stand as refused for ever.
create or replace function registry.refuse(p_name text, p_incarnation bigint, p_epoch bigint, p_code text, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
begin
  if p_epoch > (select max(v.epoch) from registry.version v) then
    raise exception 'epoch % is none yet', p_epoch using errcode = 'SLC01';
  end if;
  update registry.subscriber s
    set heard_at = clock_timestamp(), refused_epoch = p_epoch, refused_code = left(p_code, 64), refused_reason = left(p_reason, 500)
    where s.name = p_name and s.incarnation = p_incarnation and not s.fenced;
  if not found then
    raise exception 'subscriber % incarnation % holds no lease', p_name, p_incarnation using errcode = 'SLC01';
  end if;
end $$;

-- As in 0008; and whose profile it is, is looked at before the epoch is held: whoever holds the lock of its real CA, and
-- the profile, may be waiting for the epoch.
create or replace function registry.apply_profile(p_operator text, p_name text, p_ca text, p_purpose text, p_document jsonb, p_time_to_live_s integer, p_backdate_s integer,
  out epoch bigint, out revision integer, out unchanged boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_before jsonb;
begin
  perform pg_advisory_xact_lock(registry.lock_key('ca', p_ca));
  if not exists (select from registry.ca c where c.name = p_ca) then
    raise exception 'no CA named %', p_ca using errcode = 'SLA01';
  end if;
  if exists (select from registry.profile p where p.name = p_name and (p.ca, p.purpose) <> (p_ca, p_purpose)) then
    raise exception 'profile % belongs to another CA or serves another purpose', p_name using errcode = 'SLC01';
  end if;
  select p.epoch, p.revision, v.document into epoch, revision, v_before
  from registry.profile p join registry.profile_revision v on v.profile = p.name and v.revision = p.revision where p.name = p_name and p.ca = p_ca;
  unchanged := v_before is not null and v_before = p_document;
  if unchanged then
    return;
  end if;
  epoch := registry.record_change(p_operator, 'profile-apply', p_name, null, v_before, p_document);
  revision := registry.put_profile(p_name, p_ca, p_purpose, p_document, p_time_to_live_s, p_backdate_s, epoch);
end $$;
reset role;
