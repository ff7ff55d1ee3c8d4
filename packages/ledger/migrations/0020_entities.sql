do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- What every subscriber must know, entity by entity as the push sends it (packages/registry-protocol: snapshot), and a
-- digest over all of it per version: a subscriber that has applied a version finds the same digest in its own memory.

create table registry.entity (
  kind text not null check (kind in ('account', 'blocked-keys', 'ca', 'profile')),
  name text not null,
  -- Of the change that it has from.
  epoch bigint not null,
  body jsonb not null,
  -- SHA-256 of the body's canonical text.
  hash bytea not null check (length(hash) = 32),
  primary key (kind, name)
);
create index entity_epoch on registry.entity (epoch);

create table registry.version (
  epoch bigint primary key,
  digest bytea not null check (length(digest) = 32),
  sealed_at timestamptz not null default clock_timestamp()
);

-- One order for the block list: that of the epochs. No transaction blocks two keys with one.
create unique index blocked_key_epoch on registry.blocked_key (epoch);
create index account_epoch on registry.account (epoch);

-- JSON with one spelling: keys in the order of their octets, no blanks, strings as JSON.stringify writes them (so does
-- PostgreSQL), numbers without trailing zeros. packages/registry-protocol has the same in TypeScript.
create function registry.canonical(p_value jsonb) returns text language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  return case jsonb_typeof(p_value)
    when 'object' then '{' || coalesce((
      select string_agg(to_jsonb(e.key)::text || ':' || registry.canonical(e.value), ',' order by e.key collate "C") from jsonb_each(p_value) e), '') || '}'
    when 'array' then '[' || coalesce((
      select string_agg(registry.canonical(a.value), ',' order by a.place) from jsonb_array_elements(p_value) with ordinality a (value, place)), '') || ']'
    when 'number' then trim_scale((p_value #>> '{}')::numeric)::text
    else p_value::text
  end;
end $$;

create function registry.entity_hash(p_body jsonb) returns bytea language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select sha256(convert_to(registry.canonical(p_body), 'UTF8'))
$$;

create function registry.base64(p_octets bytea) returns text language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select translate(encode(p_octets, 'base64'), E'\n', '')
$$;

-- The entities whose rows changed after that epoch, from the rows; 0: all of them. Not the block list: see below.
create function registry.entities_from_rows(p_after bigint) returns table (kind text, name text, epoch bigint, body jsonb)
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
  from registry.account a where a.epoch > p_after
$$;

-- The block list as one entity that costs the same however long it is: a chain of hashes, each over the one before and
-- the next key. Goes on from what is given.
create function registry.blocked_keys_chain(p_after bigint, p_count bigint, p_chain bytea) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_key bytea;
begin
  for v_key in select b.spki_sha256 from registry.blocked_key b where b.epoch > p_after order by b.epoch loop
    p_chain := sha256(p_chain || v_key);
    p_count := p_count + 1;
  end loop;
  return jsonb_build_object('count', p_count, 'chain', encode(p_chain, 'hex'));
end $$;

-- SHA-256 over the epoch and the hash of every entity, in order.
create function registry.digest(p_epoch bigint) returns bytea language sql stable set search_path = pg_catalog, pg_temp as $$
  select sha256(convert_to(p_epoch || E'\n' || coalesce(
    string_agg(e.kind || ' ' || e.name || ' ' || encode(e.hash, 'hex') || E'\n', '' order by e.kind collate "C", e.name collate "C"), ''), 'UTF8'))
  from registry.entity e
$$;

-- Brings the entities up to date and seals the version. Whoever changes something holds the row of the epoch until its
-- commit: one seals at a time.
create function registry.seal(p_epoch bigint) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_last bigint := coalesce((select max(v.epoch) from registry.version v), 0);
  v_blocked registry.entity;
begin
  insert into registry.entity as e (kind, name, epoch, body, hash)
  select r.kind, r.name, r.epoch, r.body, registry.entity_hash(r.body) from registry.entities_from_rows(v_last) r
  on conflict (kind, name) do update set epoch = excluded.epoch, body = excluded.body, hash = excluded.hash;
  select e.* into v_blocked from registry.entity e where e.kind = 'blocked-keys';
  if v_blocked.kind is null or exists (select from registry.blocked_key b where b.epoch > v_last) then
    v_blocked.body := registry.blocked_keys_chain(coalesce(v_blocked.epoch, 0),
      coalesce((v_blocked.body ->> 'count')::bigint, 0), coalesce(decode(v_blocked.body ->> 'chain', 'hex'), decode(repeat('00', 32), 'hex')));
    insert into registry.entity as e (kind, name, epoch, body, hash) values ('blocked-keys', 'all', p_epoch, v_blocked.body, registry.entity_hash(v_blocked.body))
    on conflict (kind, name) do update set epoch = excluded.epoch, body = excluded.body, hash = excluded.hash;
  end if;
  insert into registry.version (epoch, digest) values (p_epoch, registry.digest(p_epoch));
end $$;

-- At the commit of a change, whoever made it and in whatever order it wrote. A transaction with several changes is
-- sealed once, with the last epoch: nobody ever sees the others alone.
create function registry.seal_change() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if new.epoch = (select e.epoch from registry.epoch e) then
    perform registry.seal(new.epoch);
  end if;
  return null;
end $$;
create constraint trigger seal after insert on registry.change deferrable initially deferred for each row execute function registry.seal_change();
create trigger immutable before update or delete or truncate on registry.version for each statement execute function ledger.refuse_change();
create trigger undeletable before delete or truncate on registry.entity for each statement execute function ledger.refuse_change();

-- As in 0008, and tells whoever listens, at the commit. A hint: listeners poll too.
create or replace function registry.record_change(p_operator text, p_kind text, p_subject text, p_reason text, p_before jsonb, p_after jsonb) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_epoch bigint;
begin
  update registry.epoch e set epoch = e.epoch + 1 returning e.epoch into v_epoch;
  insert into registry.change (epoch, operator, kind, subject, reason, before, after) values (v_epoch, p_operator, p_kind, p_subject, p_reason, p_before, p_after);
  perform pg_notify('sluice_epoch', v_epoch::text);
  return v_epoch;
end $$;

select registry.seal(e.epoch) from registry.epoch e;

do $$ begin execute format('grant select on registry.entity, registry.version to %I', current_database() || '_issuer_registry'); end $$;
reset role;
