do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- What a statement costs before its first row weighs as much as its rows: batches are small while it is calm. That cost
-- grows with each partition that a plan may touch (about 10 µs each), with each condition of a trigger and each check.

-- One table each instead of 16 hash partitions: these were never dropped by age, and every look-up opened all 16.
-- Nothing may be written between the copy and the change of names.
lock table ledger.serial, ledger.idempotency in access exclusive mode;
create table ledger.serial_new (like ledger.serial including defaults including constraints) with (fillfactor = 50);
insert into ledger.serial_new select * from ledger.serial;
drop table ledger.serial;
alter table ledger.serial_new rename to serial;
alter table ledger.serial add constraint serial_pkey primary key (ca, serial);
create index serial_request on ledger.serial (request_id);

create table ledger.idempotency_new (like ledger.idempotency including defaults including constraints);
insert into ledger.idempotency_new select * from ledger.idempotency;
drop table ledger.idempotency;
alter table ledger.idempotency_new rename to idempotency;
alter table ledger.idempotency add constraint idempotency_pkey primary key (account, key);
create index idempotency_expiry on ledger.idempotency (expires_at);

do $$ begin execute format('grant select on ledger.serial, ledger.idempotency to %I', current_database() || '_issuer_registry'); end $$;

-- A serial is written twice, as `intended` and at its end. With half of each page left free the second version stays on
-- the page and needs no index entry of its own.
create trigger undeletable before delete or truncate on ledger.serial for each statement execute function ledger.refuse_change();
create trigger guard_insert before insert on ledger.serial for each row when (new.state <> 'intended') execute function ledger.refuse_serial();
-- Conditions name no function: its text would be parsed again in every statement. By the check on `state`, what is not
-- `intended` is one of the three ends.
create trigger guard_update before update on ledger.serial for each row when (
  old.state <> 'intended' or new.state = 'intended'
  or (new.ca, new.serial, new.request_id, new.attempt, new.claim_id, new.signer, new.template_hash, new.epoch)
     is distinct from (old.ca, old.serial, old.request_id, old.attempt, old.claim_id, old.signer, old.template_hash, old.epoch))
  execute function ledger.refuse_serial();

-- Between the two states of open work every way is named by the table; these are their conditions.
drop trigger guard_update on ledger.work;
create trigger guard_update before update on ledger.work for each row when (
  new.request_id <> old.request_id or new.attempt < old.attempt or new.burned < old.burned
  or (new.state = 'signing' and old.state = 'queued' and new.attempt <> old.attempt + 1)
  or (new.state = 'queued' and old.state = 'signing' and new.attempt <> old.attempt)
  or (new.state = 'signing' and old.state = 'signing' and (new.serial, new.attempt, new.claim_id) is distinct from (old.serial, old.attempt, old.claim_id)))
  execute function ledger.refuse_work();

-- Only key work is looked for by fingerprint, and is one row in a million: a random 32 octets per request were indexed
-- for it.
drop index ledger.request_fingerprint;
create index request_key_work on ledger.request (fingerprint) where purpose in ('generate', 'ca-certificate');

create or replace function registry.key_work_wanted() returns table (ca text, purpose text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select w.name, w.purpose
  from (select c.name, case when c.spki is null then 'generate' else 'ca-certificate' end as purpose from registry.ca c
        join registry.ca i on i.name = c.issuer
        where c.state = 'pending' and (c.spki is null or c.issuer = c.name or i.state = 'active')) w
  where not exists (select from ledger.open_fingerprint f where f.fingerprint = registry.key_work_fingerprint(w.purpose, w.name))
    and not exists (select from ledger.request r join ledger.outcome o on o.request_id = r.id
                    where r.purpose in ('generate', 'ca-certificate') and r.fingerprint = registry.key_work_fingerprint(w.purpose, w.name)
                      and o.ended_at > clock_timestamp() - case o.state when 'rejected' then interval '1 hour' else interval '30 s' end)
$$;

-- The guards below ask for ids of this statement only, by their range: partitions outside it are not even opened.
create or replace function ledger.guard_resurrection() returns trigger language plpgsql as $$
declare
  v_ids uuid[];
  v_first uuid;
  v_last uuid;
  v_ended uuid;
begin
  select array_agg(a.request_id order by a.request_id) into v_ids from arrived a;
  v_first := v_ids[1];
  v_last := v_ids[cardinality(v_ids)];
  select a.request_id into v_ended from arrived a
  where exists (select from ledger.outcome o where o.request_id = a.request_id and o.request_id between v_first and v_last) limit 1;
  if found then
    raise exception 'request %: no way back from its end', v_ended using errcode = 'SLT01';
  end if;
  return null;
end $$;

create or replace function ledger.guard_departure() returns trigger language plpgsql as $$
declare
  v_ids uuid[];
  v_first uuid;
  v_last uuid;
  v_lost uuid;
begin
  select array_agg(d.request_id order by d.request_id) into v_ids from departed d;
  if v_ids is null then
    return null;
  end if;
  v_first := v_ids[1];
  v_last := v_ids[cardinality(v_ids)];
  select d.request_id into v_lost from departed d
  where not exists (select from ledger.outcome o where o.request_id = d.request_id and o.request_id between v_first and v_last and ledger.may_become(d.state, o.state))
    and not exists (select from ledger.shelf s where s.request_id = d.request_id and ledger.may_become(d.state, s.state))
    and not exists (select from ledger.work w where w.request_id = d.request_id and ledger.may_become(d.state, w.state) and w.attempt >= d.attempt)
  limit 1;
  if found then
    raise exception 'request %: it would be lost', v_lost using errcode = 'SLT01';
  end if;
  return null;
end $$;

-- Without settings of their own, so that they become part of the statements that call them. Those are verbs, whose
-- search_path is fixed.
create or replace function registry.service_of_caller() returns text language sql stable as $$
  select case session_user
    when current_database() || '_identity_api' then 'identity-api'
    when current_database() || '_signer' then 'signer'
    when current_database() || '_issuer_registry' then 'issuer-registry'
    when current_database() || '_ocsp_responder' then 'ocsp-responder'
  end
$$;
create or replace function registry.lock_key(p_kind text, p_name text) returns bigint language sql immutable parallel safe as $$
  select hashtextextended('sluice:' || p_kind || ':' || p_name, 0)
$$;

-- Where each request stands, in one snapshot. (In SQL instead of PL/pgSQL it was planned anew in every call.)
create or replace function ledger.read(p_ids uuid[]) returns table (
  request_id uuid, account text, profile text, ca text, accepted_at timestamptz, state text, deadline bigint, attempt integer,
  code text, detail text, withheld boolean, serial bytea, der bytea, not_before timestamptz, not_after timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  v_first uuid;
  v_last uuid;
begin
  select (array_agg(i.id order by i.id))[1], (array_agg(i.id order by i.id desc))[1] into v_first, v_last from unnest(p_ids) i (id);
  return query
    select r.id, r.account, r.profile, r.ca, r.accepted_at,
      coalesce(o.state, w.state, s.state), ledger.micros(w.deadline), coalesce(o.attempt, w.attempt, s.attempt),
      o.code, o.detail, o.withheld, o.serial, c.der, c.not_before, c.not_after
    from unnest(p_ids) i (id)
    cross join lateral (select x.id, x.account, x.profile, x.ca, x.accepted_at from ledger.request x where x.id = i.id and x.id between v_first and v_last offset 0) r
    left join lateral (select x.* from ledger.outcome x where x.request_id = i.id and x.request_id between v_first and v_last offset 0) o on true
    left join lateral (select x.state, x.deadline, x.attempt from ledger.work x where x.request_id = i.id offset 0) w on true
    left join lateral (select x.state, x.attempt from ledger.shelf x where x.request_id = i.id offset 0) s on true
    left join lateral (select x.der, x.not_before, x.not_after from ledger.certificate x
      where o.state = 'issued' and x.request_id = i.id and x.attempt = o.attempt and x.request_id between v_first and v_last offset 0) c on true;
end $$;

reset role;
