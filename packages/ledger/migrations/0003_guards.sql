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

create function ledger.guard_work() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.state <> 'queued' or exists (select from ledger.outcome o where o.request_id = new.request_id) then
      raise exception 'request %: no way from its end, or from nothing, to %', new.request_id, new.state using errcode = 'SLT01';
    end if;
  elsif new.request_id <> old.request_id or new.attempt < old.attempt or new.burned < old.burned
     or (new.state = 'signing' and old.state = 'queued' and new.attempt <> old.attempt + 1)
     or (new.state = 'queued' and old.state = 'signing' and new.attempt <> old.attempt)
     or (new.state <> old.state and not ledger.may_become(old.state, new.state))
     or (new.state = 'signing' and old.state = 'signing') is true and (new.serial, new.attempt, new.claim_id) is distinct from (old.serial, old.attempt, old.claim_id) then
    raise exception 'request %: no way from % (attempt %) to % (attempt %)', old.request_id, old.state, old.attempt, new.state, new.attempt using errcode = 'SLT01';
  end if;
  return new;
end $$;
create trigger guard before insert or update on ledger.work for each row execute function ledger.guard_work();

-- An end, or a place on the shelf, is reached only from where the table says.
create function ledger.guard_arrival() returns trigger language plpgsql as $$
declare
  v_from text;
begin
  select w.state into v_from from ledger.work w where w.request_id = new.request_id;
  if v_from is null then
    select s.state into v_from from ledger.shelf s where s.request_id = new.request_id;
  end if;
  if not ledger.may_become(coalesce(v_from, 'new'), new.state) then
    raise exception 'request %: no way from % to %', new.request_id, coalesce(v_from, 'new'), new.state using errcode = 'SLT01';
  end if;
  return new;
end $$;
create trigger guard before insert on ledger.outcome for each row execute function ledger.guard_arrival();
create trigger guard before insert on ledger.shelf for each row execute function ledger.guard_arrival();

-- Nothing leaves work or shelf without having arrived somewhere: no request is ever lost by a DELETE.
create function ledger.guard_departure() returns trigger language plpgsql as $$
declare
  v_lost uuid;
begin
  select d.request_id into v_lost from departed d
  where not exists (select from ledger.outcome o where o.request_id = d.request_id and ledger.may_become(d.state, o.state))
    and not exists (select from ledger.shelf s where s.request_id = d.request_id and ledger.may_become(d.state, s.state))
    and not exists (select from ledger.work w where w.request_id = d.request_id and ledger.may_become(d.state, w.state))
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

create function ledger.guard_serial() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.state <> 'intended' then
      raise exception 'serial %: starts as %', encode(new.serial, 'hex'), new.state using errcode = 'SLT01';
    end if;
  elsif not ledger.serial_may_become(old.state, new.state)
     or (new.ca, new.serial, new.request_id, new.attempt, new.claim_id, new.signer, new.template_hash, new.epoch)
        is distinct from (old.ca, old.serial, old.request_id, old.attempt, old.claim_id, old.signer, old.template_hash, old.epoch) then
    raise exception 'serial %: no way from % to %', encode(old.serial, 'hex'), old.state, new.state using errcode = 'SLT01';
  end if;
  return new;
end $$;
create trigger guard before insert or update on ledger.serial for each row execute function ledger.guard_serial();

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
