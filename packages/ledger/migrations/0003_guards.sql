do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- The state tables of packages/issuance, once more, where nobody can go round them. A test compares the two.

create function ledger.may_become(p_from text, p_to text) returns boolean language sql immutable parallel safe as $$
  select (p_from, p_to) in (
    ('new', 'queued'),
    ('queued', 'signing'), ('queued', 'rejected'), ('queued', 'expired'), ('queued', 'parked'), ('queued', 'cancelled'),
    ('signing', 'issued'), ('signing', 'rejected'), ('signing', 'queued'), ('signing', 'failed'),
    ('parked', 'queued'), ('parked', 'cancelled'), ('parked', 'expired'),
    ('failed', 'queued'), ('failed', 'cancelled'), ('failed', 'expired'))
$$;

create function ledger.serial_may_become(p_from text, p_to text) returns boolean language sql immutable parallel safe as $$
  select (p_from, p_to) in (('new', 'intended'), ('intended', 'issued'), ('intended', 'void'), ('intended', 'burned'))
$$;

create function registry.ca_may_become(p_from text, p_to text) returns boolean language sql immutable parallel safe as $$
  select (p_from, p_to) in (
    ('pending', 'active'), ('active', 'disabled'), ('disabled', 'active'), ('disabled', 'retiring'),
    ('retiring', 'disabled'), ('retiring', 'destroying'), ('destroying', 'destroyed'))
$$;

-- Null when a CA in this state permits this purpose, else the code that says why not (packages/issuance: refusal).
create function registry.refusal(p_state text, p_purpose text, p_own boolean) returns text language sql immutable parallel safe as $$
  select case
    when p_state = 'active' and p_purpose in ('subscriber', 'ocsp-signer', 'crl', 'ca-certificate') then null
    when p_state in ('disabled', 'retiring') and p_purpose in ('ocsp-signer', 'crl') then null
    when p_state = 'pending' and (p_purpose = 'generate' or (p_purpose = 'ca-certificate' and p_own)) then null
    when p_state = 'destroying' and p_purpose in ('destroy', 'prove-absence') then null
    when p_state = 'active' then 'not-permitted'
    when p_state is null then 'ca-unknown'
    else 'ca-' || p_state
  end
$$;

-- Does an attempt that failed so count among the three that a request has? Only what nobody can explain: a lost lease
-- and `unknown` (packages/issuance: dispositions with attemptsMax). A token's failures end at five burned serials.
create function ledger.uses_up_attempt(p_code text) returns boolean language sql immutable parallel safe as $$
  select p_code not in ('profile-unknown', 'profile-disabled', 'account-disabled', 'ca-unknown', 'ca-pending', 'ca-disabled', 'ca-retiring', 'ca-destroying',
    'ca-destroyed', 'ca-expiring', 'not-permitted', 'forbidden', 'csr-invalid', 'key-weak', 'subject-invalid', 'lint-failed', 'body-invalid', 'key-missing',
    'token-failed', 'unavailable', 'stale-snapshot', 'draining')
$$;

create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% of %.% is refused: its rows never change', tg_op, tg_table_schema, tg_table_name using errcode = 'SLT01';
end $$;

create trigger immutable before update or delete or truncate on ledger.request for each statement execute function ledger.refuse_change();
create trigger immutable before update or delete or truncate on ledger.outcome for each statement execute function ledger.refuse_change();
create trigger immutable before update or delete or truncate on ledger.certificate for each statement execute function ledger.refuse_change();
create trigger immutable before update or delete or truncate on ledger.event for each statement execute function ledger.refuse_change();
create trigger immutable before update or delete or truncate on ledger.revocation for each statement execute function ledger.refuse_change();
create trigger immutable before update or delete or truncate on registry.change for each statement execute function ledger.refuse_change();
create trigger immutable before update or delete or truncate on registry.profile_revision for each statement execute function ledger.refuse_change();
create trigger immutable before update or delete or truncate on registry.template for each statement execute function ledger.refuse_change();
create trigger undeletable before delete or truncate on ledger.serial for each statement execute function ledger.refuse_change();
create trigger undeletable before delete or truncate on registry.ca for each statement execute function ledger.refuse_change();
-- A statement that names a partition fires the partition's triggers, not the parent's (0004 does the same for its own).
do $$
begin
  for i in 0..15 loop
    execute format('create trigger undeletable before delete or truncate on ledger.serial_%s for each statement execute function ledger.refuse_change()', i);
  end loop;
end $$;

create function ledger.refuse_work() returns trigger language plpgsql as $$
begin
  raise exception 'request %: no way from % (attempt %) to % (attempt %)', new.request_id,
    case tg_op when 'INSERT' then 'new' else old.state end, case tg_op when 'INSERT' then 0 else old.attempt end, new.state, new.attempt using errcode = 'SLT01';
end $$;
-- Conditions are evaluated by the executor itself; the function runs only to refuse.
create trigger guard_insert before insert on ledger.work for each row when (new.state <> 'queued') execute function ledger.refuse_work();
create trigger guard_update before update on ledger.work for each row when (
  new.request_id <> old.request_id or new.attempt < old.attempt or new.burned < old.burned
  or (new.state = 'signing' and old.state = 'queued' and new.attempt <> old.attempt + 1)
  or (new.state = 'queued' and old.state = 'signing' and new.attempt <> old.attempt)
  or (new.state <> old.state and not ledger.may_become(old.state, new.state))
  or (new.state = 'signing' and old.state = 'signing' and (new.serial, new.attempt, new.claim_id) is distinct from (old.serial, old.attempt, old.claim_id)))
  execute function ledger.refuse_work();

-- What has ended never comes back to work.
create function ledger.guard_resurrection() returns trigger language plpgsql as $$
declare
  v_ended uuid;
begin
  select a.request_id into v_ended from arrived a where exists (select from ledger.outcome o where o.request_id = a.request_id) limit 1;
  if found then
    raise exception 'request %: no way back from its end', v_ended using errcode = 'SLT01';
  end if;
  return null;
end $$;
create trigger guard_resurrection after insert on ledger.work referencing new table as arrived for each statement execute function ledger.guard_resurrection();

-- An end, or a place on the shelf, is reached only from where the table says: the row it comes from is still there.
create function ledger.guard_arrival() returns trigger language plpgsql as $$
declare
  v_stray uuid;
  v_state text;
begin
  select a.request_id, a.state into v_stray, v_state from arrived a
  where not exists (select from ledger.work w where w.request_id = a.request_id and ledger.may_become(w.state, a.state))
    and not exists (select from ledger.shelf s where s.request_id = a.request_id and ledger.may_become(s.state, a.state) and tg_table_name = 'outcome')
  limit 1;
  if found then
    raise exception 'request %: no way from where it is to %', v_stray, v_state using errcode = 'SLT01';
  end if;
  return null;
end $$;
create trigger guard_arrival after insert on ledger.outcome referencing new table as arrived for each statement execute function ledger.guard_arrival();
create trigger guard_arrival after insert on ledger.shelf referencing new table as arrived for each statement execute function ledger.guard_arrival();
create trigger guard_update before update on ledger.shelf for each row when (new.state <> old.state or new.request_id <> old.request_id) execute function ledger.refuse_change();

-- Nothing leaves work or shelf without having arrived somewhere: no request is ever lost by a DELETE, and none comes
-- back from the shelf with fewer attempts than it went there with.
create function ledger.guard_departure() returns trigger language plpgsql as $$
declare
  v_lost uuid;
begin
  select d.request_id into v_lost from departed d
  where not exists (select from ledger.outcome o where o.request_id = d.request_id and ledger.may_become(d.state, o.state))
    and not exists (select from ledger.shelf s where s.request_id = d.request_id and ledger.may_become(d.state, s.state))
    and not exists (select from ledger.work w where w.request_id = d.request_id and ledger.may_become(d.state, w.state) and w.attempt >= d.attempt)
  limit 1;
  if found then
    raise exception 'request %: it would be lost', v_lost using errcode = 'SLT01';
  end if;
  return null;
end $$;
create trigger departure after delete on ledger.work referencing old table as departed for each statement execute function ledger.guard_departure();
create trigger departure after delete on ledger.shelf referencing old table as departed for each statement execute function ledger.guard_departure();
create trigger untruncatable before truncate on ledger.work for each statement execute function ledger.refuse_change();
create trigger untruncatable before truncate on ledger.shelf for each statement execute function ledger.refuse_change();

create function ledger.refuse_serial() returns trigger language plpgsql as $$
begin
  raise exception 'serial %: no way from % to %', encode(new.serial, 'hex'), case tg_op when 'INSERT' then 'new' else old.state end, new.state using errcode = 'SLT01';
end $$;
create trigger guard_insert before insert on ledger.serial for each row when (new.state <> 'intended') execute function ledger.refuse_serial();
create trigger guard_update before update on ledger.serial for each row when (
  not ledger.serial_may_become(old.state, new.state)
  or (new.ca, new.serial, new.request_id, new.attempt, new.claim_id, new.signer, new.template_hash, new.epoch)
     is distinct from (old.ca, old.serial, old.request_id, old.attempt, old.claim_id, old.signer, old.template_hash, old.epoch))
  execute function ledger.refuse_serial();

create function registry.guard_ca() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.state <> 'pending' then
      raise exception 'CA %: starts as %', new.name, new.state using errcode = 'SLT01';
    end if;
  elsif (new.state <> old.state and not registry.ca_may_become(old.state, new.state))
     or (new.name, new.key_group, new.key_algorithm, new.subject_der, new.issuer) is distinct from (old.name, old.key_group, old.key_algorithm, old.subject_der, old.issuer)
     or (old.spki is not null and new.spki is distinct from old.spki)
     or (old.certificate is not null and new.certificate is distinct from old.certificate) then
    raise exception 'CA %: no way from % to %, and its name, subject, key and certificate never change', old.name, old.state, new.state using errcode = 'SLT01';
  end if;
  return new;
end $$;
create trigger guard before insert or update on registry.ca for each row execute function registry.guard_ca();

reset role;
