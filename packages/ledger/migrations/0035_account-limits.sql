do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- What an account may ask for (packages/issuance: AccountLimits), as far as an operator has set it; front ends count.
create function registry.are_limits(p_limits jsonb) returns boolean language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select case when jsonb_typeof(p_limits) = 'object' then not exists (
    select from jsonb_each(p_limits) l (name, value)
    left join (values ('ratePerSecond', 100000), ('burst', 1000000), ('joinsPerSecond', 100000), ('ordersPerDay', 1000000000)) k (name, most) using (name)
    where k.name is null or jsonb_typeof(l.value) <> 'number' or (l.value #>> '{}') !~ '^[1-9][0-9]{0,9}$' or (l.value #>> '{}')::bigint > k.most)
  else false end
$$;
alter table registry.account add limits jsonb not null default '{}' check (registry.are_limits(limits));

-- As in 0020, and the limits of an account that has some: one that has none is told as before, by whoever tells it.
create or replace function registry.entities_from_rows(p_after bigint) returns table (kind text, name text, epoch bigint, body jsonb)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select 'ca', c.name, c.epoch, jsonb_build_object('name', c.name, 'keyGroup', c.key_group, 'state', c.state, 'quarantined', c.quarantined,
    'quarantinedTokens', to_jsonb(array(select q.token from registry.ca_token q where q.ca = c.name and q.quarantined order by q.token collate "C")),
    'keyAlgorithm', c.key_algorithm, 'subjectDer', registry.base64(c.subject_der), 'spki', registry.base64(c.spki), 'certificate', registry.base64(c.certificate),
    'issuer', c.issuer, 'certificateProfile', c.certificate_profile)
  from registry.ca c where c.epoch > p_after
  union all
  select 'profile', p.name, p.epoch, jsonb_build_object('name', p.name, 'ca', p.ca, 'state', p.state, 'revision', p.revision, 'document', v.document)
  from registry.profile p join registry.profile_revision v on v.profile = p.name and v.revision = p.revision where p.epoch > p_after
  union all
  select 'account', a.name, a.epoch, jsonb_build_object('name', a.name, 'state', a.state,
    'profiles', to_jsonb(array(select ap.profile from registry.account_profile ap where ap.account = a.name order by ap.profile collate "C")),
    'apiKeyHashes', to_jsonb(array(select encode(k.hash, 'hex') from registry.api_key k where k.account = a.name and k.state = 'in-force' order by k.hash)))
    || case when a.limits = '{}' then '{}' else jsonb_build_object('limits', a.limits) end
  from registry.account a where a.epoch > p_after
$$;

-- As in 0008, with limits.
drop function registry.create_account(text, text, text[], bytea);
create function registry.create_account(p_operator text, p_name text, p_profiles text[], p_api_key_hash bytea, p_limits jsonb default '{}') returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_epoch bigint;
  v_unknown text;
begin
  perform pg_advisory_xact_lock(registry.lock_key('account', p_name));
  if exists (select from registry.account a where a.name = p_name) then
    raise exception 'an account named % exists', p_name using errcode = 'SLC01';
  end if;
  select u.name into v_unknown from unnest(p_profiles) u (name) where not exists (select from registry.profile p where p.name = u.name and p.purpose = 'subscriber') limit 1;
  if found then
    raise exception 'no subscriber profile named %', v_unknown using errcode = 'SLP01';
  end if;
  v_epoch := registry.record_change(p_operator, 'account-create', p_name, null, null, jsonb_build_object('profiles', p_profiles, 'limits', p_limits));
  insert into registry.account (name, state, epoch, limits) values (p_name, 'enabled', v_epoch, p_limits);
  insert into registry.account_profile (account, profile) select distinct p_name, u.name from unnest(p_profiles) u (name);
  insert into registry.api_key (hash, account, state) values (p_api_key_hash, p_name, 'in-force');
  return v_epoch;
end $$;

-- Sets the limits named; null: back to the default. Claims do not read them, so no CA is locked.
create function registry.set_account_limits(p_operator text, p_name text, p_limits jsonb, p_reason text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_before jsonb;
  v_after jsonb;
  v_epoch bigint;
begin
  select a.limits into v_before from registry.account a where a.name = p_name for no key update;
  if not found then
    raise exception 'no account named %', p_name using errcode = 'SLN01';
  end if;
  v_after := jsonb_strip_nulls(v_before || p_limits);
  if v_after = v_before then
    raise exception 'account % has these limits already', p_name using errcode = 'SLC01';
  end if;
  v_epoch := registry.record_change(p_operator, 'account-limits', p_name, p_reason, v_before, v_after);
  update registry.account a set limits = v_after, epoch = v_epoch where a.name = p_name;
  return v_epoch;
end $$;

do $$ begin
  execute format('grant execute on function registry.create_account, registry.set_account_limits to %I', current_database() || '_issuer_registry');
end $$;
reset role;
