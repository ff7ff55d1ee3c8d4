do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- Every change of the registry ends with this: the epoch grows by one in the transaction that makes the change.
create function registry.record_change(p_operator text, p_kind text, p_subject text, p_reason text, p_before jsonb, p_after jsonb) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_epoch bigint;
begin
  update registry.epoch e set epoch = e.epoch + 1 returning e.epoch into v_epoch;
  insert into registry.change (epoch, operator, kind, subject, reason, before, after) values (v_epoch, p_operator, p_kind, p_subject, p_reason, p_before, p_after);
  return v_epoch;
end $$;

-- Changes of a CA, its profiles or the accounts that use them take the CA's lock alone, first, in a statement of its
-- own; claims share it. (FOR SHARE on the CA's row starves the change: share lockers overtake a waiting update.)
create function registry.put_profile(p_name text, p_ca text, p_purpose text, p_document jsonb, p_time_to_live_s integer, p_backdate_s integer, p_epoch bigint) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_revision integer;
begin
  insert into registry.profile as p (name, ca, purpose, state, revision, epoch) values (p_name, p_ca, p_purpose, 'enabled', 1, p_epoch)
  on conflict (name) do update set revision = p.revision + 1, epoch = excluded.epoch
    where p.ca = excluded.ca and p.purpose = excluded.purpose
  returning p.revision into v_revision;
  if not found then
    raise exception 'profile % belongs to another CA or serves another purpose', p_name using errcode = 'SLC01';
  end if;
  insert into registry.profile_revision (profile, revision, document, time_to_live_s, backdate_s, epoch) values (p_name, v_revision, p_document, p_time_to_live_s, p_backdate_s, p_epoch);
  return v_revision;
end $$;

create function registry.create_ca(p_operator text, p_name text, p_key_group text, p_key_algorithm text, p_subject text, p_subject_der bytea, p_issuer text, p_certificate_profile text,
  p_self_document jsonb, p_self_time_to_live_s integer, p_self_backdate_s integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_epoch bigint;
begin
  perform pg_advisory_xact_lock(registry.lock_key('ca', p_name));
  if exists (select from registry.ca c where c.name = p_name or c.subject_der = p_subject_der) then
    raise exception 'a CA named % or with this subject exists', p_name using errcode = 'SLC01';
  end if;
  if p_issuer <> p_name and not exists (select from registry.ca c where c.name = p_issuer) then
    raise exception 'no CA named %', p_issuer using errcode = 'SLA01';
  end if;
  if p_issuer <> p_name and not exists (select from registry.profile p where p.name = p_certificate_profile and p.ca = p_issuer and p.purpose = 'ca-certificate') then
    raise exception 'CA % has no ca-certificate profile %', p_issuer, p_certificate_profile using errcode = 'SLP01';
  end if;
  v_epoch := registry.record_change(p_operator, 'ca-create', p_name, null, null,
    jsonb_build_object('key_group', p_key_group, 'key_algorithm', p_key_algorithm, 'subject', p_subject, 'issuer', p_issuer, 'certificate_profile', p_certificate_profile));
  insert into registry.ca (name, key_group, state, key_algorithm, subject, subject_der, issuer, certificate_profile, epoch)
  values (p_name, p_key_group, 'pending', p_key_algorithm, p_subject, p_subject_der, p_issuer, p_certificate_profile, v_epoch);
  if p_self_document is not null then
    perform registry.put_profile(p_certificate_profile, p_name, 'ca-certificate', p_self_document, p_self_time_to_live_s, p_self_backdate_s, v_epoch);
  end if;
  return v_epoch;
end $$;

-- active → disabled. Returns the epoch of the change: no claim of this CA's subscriber work bears it or a later one.
create function registry.disable_ca(p_operator text, p_name text, p_reason text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_state text;
  v_epoch bigint;
begin
  perform pg_advisory_xact_lock(registry.lock_key('ca', p_name));
  -- `no key`: whoever holds the epoch may be waiting to refer to this row
  select c.state into v_state from registry.ca c where c.name = p_name for no key update;
  if not found then
    raise exception 'no CA named %', p_name using errcode = 'SLN01';
  end if;
  if v_state <> 'active' then
    raise exception 'CA % is %, not active', p_name, v_state using errcode = 'SLC01';
  end if;
  v_epoch := registry.record_change(p_operator, 'ca-disable', p_name, p_reason, jsonb_build_object('state', v_state), jsonb_build_object('state', 'disabled'));
  update registry.ca c set state = 'disabled', epoch = v_epoch where c.name = p_name;
  return v_epoch;
end $$;

create function registry.apply_profile(p_operator text, p_name text, p_ca text, p_purpose text, p_document jsonb, p_time_to_live_s integer, p_backdate_s integer,
  out epoch bigint, out revision integer, out unchanged boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_before jsonb;
begin
  perform pg_advisory_xact_lock(registry.lock_key('ca', p_ca));
  if not exists (select from registry.ca c where c.name = p_ca) then
    raise exception 'no CA named %', p_ca using errcode = 'SLA01';
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

create function registry.create_account(p_operator text, p_name text, p_profiles text[], p_api_key_hash bytea) returns bigint
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
  v_epoch := registry.record_change(p_operator, 'account-create', p_name, null, null, jsonb_build_object('profiles', p_profiles));
  insert into registry.account (name, state, epoch) values (p_name, 'enabled', v_epoch);
  insert into registry.account_profile (account, profile) select distinct p_name, u.name from unnest(p_profiles) u (name);
  insert into registry.api_key (hash, account, state) values (p_api_key_hash, p_name, 'in-force');
  return v_epoch;
end $$;

-- Key work is ledger work of the account `-registry`, which no client can have. Its fingerprint stands for
-- (purpose, CA): while one is open or shelved, there is no second.
create function registry.key_work_fingerprint(p_purpose text, p_subject_ca text) returns bytea language sql immutable set search_path = pg_catalog, pg_temp as $$
  select sha256(convert_to('key-work:' || p_purpose || ':' || p_subject_ca, 'UTF8'))
$$;

-- CAs that are being made and lack a key, or a certificate; not while work on it is open, nor within 30 s of a failure,
-- nor within an hour of a refusal (a rule or a state forbids it: trying again at once changes nothing).
create function registry.key_work_wanted() returns table (ca text, purpose text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select w.name, w.purpose
  from (select c.name, case when c.spki is null then 'generate' else 'ca-certificate' end as purpose from registry.ca c
        join registry.ca i on i.name = c.issuer
        where c.state = 'pending' and (c.spki is null or c.issuer = c.name or i.state = 'active')) w
  where not exists (select from ledger.open_fingerprint f where f.fingerprint = registry.key_work_fingerprint(w.purpose, w.name))
    and not exists (select from ledger.request r join ledger.outcome o on o.request_id = r.id
                    where r.fingerprint = registry.key_work_fingerprint(w.purpose, w.name) and o.ended_at > clock_timestamp() - case o.state when 'rejected' then interval '1 hour' else interval '30 s' end)
$$;

create function registry.put_key_work(p_caller text, p_incarnation bigint, p_id uuid, p_purpose text, p_ca text, p_subject_ca text, p_profile text, p_key_group text, p_content text, p_spki bytea) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_fingerprint bytea := registry.key_work_fingerprint(p_purpose, p_subject_ca);
  v_now timestamptz;
  v_owner uuid;
begin
  perform registry.check_caller(p_caller, p_incarnation);
  if p_purpose not in ('generate', 'ca-certificate') then
    raise exception 'purpose % is not for this verb', p_purpose using errcode = 'SLX01';
  end if;
  v_now := clock_timestamp();
  insert into ledger.open_fingerprint (account, fingerprint, request_id) values ('-registry', v_fingerprint, p_id) on conflict do nothing;
  select f.request_id into v_owner from ledger.open_fingerprint f where f.fingerprint = v_fingerprint;
  if v_owner = p_id then
    insert into ledger.request (id, account, profile, profile_revision, ca, key_group, class, purpose, subject_ca, content, spki, csr, fingerprint, payload_hash, accepted_by, accepted_at)
    values (p_id, '-registry', p_profile, (select p.revision from registry.profile p where p.name = p_profile), p_ca, p_key_group, 'async', p_purpose, p_subject_ca, p_content, p_spki, '', v_fingerprint, v_fingerprint, p_caller, v_now);
    insert into ledger.work (request_id, class, key_group, account, ca, profile, purpose, fingerprint, state, deadline, accepted_at)
    values (p_id, 'async', p_key_group, '-registry', p_ca, p_profile, p_purpose, v_fingerprint, 'queued', v_now + interval '24 h', v_now);
  end if;
  return v_owner;
end $$;

-- Key work completes the same way: the result, the end and the new epoch in one commit. The CA that changes is locked
-- alone first; nobody else's lock is held then.
-- Crash before the commit: the key exists on the token under the CA's name; the next attempt finds and returns it.
create function ledger.complete_generate(p_caller text, p_id uuid, p_attempt integer, p_spki bytea) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_ca text;
  v_epoch bigint;
begin
  select r.subject_ca into v_ca from ledger.request r where r.id = p_id and r.purpose = 'generate';
  if not found then
    raise exception 'request % generates no key', p_id using errcode = 'SLN01';
  end if;
  perform pg_advisory_xact_lock(registry.lock_key('ca', v_ca));
  perform from ledger.work w where w.request_id = p_id and w.state = 'signing' and w.attempt = p_attempt and w.signer = p_caller for update;
  if not found then
    perform from ledger.outcome o where o.request_id = p_id and o.state = 'issued' and o.attempt = p_attempt;
    return case when found then 'issued' else 'late' end;
  end if;
  v_epoch := registry.record_change(p_caller, 'ca-key', v_ca, null, null, jsonb_build_object('spki_sha256', encode(sha256(p_spki), 'hex'), 'request', p_id));
  update registry.ca c set spki = p_spki, epoch = v_epoch where c.name = v_ca;
  perform ledger.end_requests(array[p_id], 'issued', null, p_caller);
  return 'issued';
end $$;

-- Crash before the commit: the serial is burned when the lease runs out, and the CA gets another certificate.
create function ledger.complete_ca_certificate(p_caller text, p_id uuid, p_attempt integer, p_serial bytea, p_not_before timestamptz, p_not_after timestamptz, p_der bytea) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_ca text;
  v_epoch bigint;
  v_verdict text;
begin
  select r.subject_ca into v_ca from ledger.request r where r.id = p_id and r.purpose = 'ca-certificate';
  if not found then
    raise exception 'request % makes no CA certificate', p_id using errcode = 'SLN01';
  end if;
  perform pg_advisory_xact_lock(registry.lock_key('ca', v_ca));
  select c.verdict into v_verdict from ledger.complete(p_caller, array[p_id], array[p_attempt], array[p_serial], array[p_not_before], array[p_not_after], array[p_der]) c;
  if v_verdict = 'issued' and exists (select from registry.ca c where c.name = v_ca and c.state = 'pending') then
    v_epoch := registry.record_change(p_caller, 'ca-active', v_ca, null, jsonb_build_object('state', 'pending'), jsonb_build_object('state', 'active', 'serial', encode(p_serial, 'hex'), 'request', p_id));
    update registry.ca c set certificate = p_der, not_after = p_not_after, state = 'active', epoch = v_epoch where c.name = v_ca;
  end if;
  return v_verdict;
end $$;

-- Keys past their 72 h, a bounded number at a time.
create function ledger.purge_idempotency(p_max integer) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
  with old as (select i.account, i.key from ledger.idempotency i where i.expires_at < clock_timestamp() order by i.account, i.key limit p_max for update skip locked),
       gone as (delete from ledger.idempotency i using old o where i.account = o.account and i.key = o.key returning 1)
  select count(*) from gone
$$;

reset role;
