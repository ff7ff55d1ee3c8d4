do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- Keys that nobody may be certified for again: SHA-256 of the SubjectPublicKeyInfo. No way back: a private key that was
-- known to others stays known.
create table registry.blocked_key (
  spki_sha256 bytea primary key check (length(spki_sha256) = 32),
  reason text not null,
  -- An operator; for a revocation with keyCompromise: `-ledger`.
  blocked_by text not null,
  blocked_at timestamptz not null default clock_timestamp(),
  epoch bigint not null
);
create trigger immutable before update or delete or truncate on registry.blocked_key for each statement execute function ledger.refuse_change();

-- Puts a key on the list, with a new epoch; one that is there already stays as it is. The lock makes two who block the
-- same key at once see each other.
create function registry.put_blocked_key(p_by text, p_spki_sha256 bytea, p_reason text, out epoch bigint, out unchanged boolean)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(registry.lock_key('blocked-key', encode(p_spki_sha256, 'hex')));
  select b.epoch into epoch from registry.blocked_key b where b.spki_sha256 = p_spki_sha256;
  unchanged := found;
  if unchanged then
    return;
  end if;
  epoch := registry.record_change(p_by, 'key-block', encode(p_spki_sha256, 'hex'), p_reason, null, null);
  insert into registry.blocked_key (spki_sha256, reason, blocked_by, epoch) values (p_spki_sha256, p_reason, p_by, epoch);
end $$;

-- By an operator. Every subscriber gets the whole list with its snapshot, so it ends at 100,000 keys (4.3 MB).
create function registry.block_key(p_operator text, p_spki_sha256 bytea, p_reason text, out epoch bigint, out unchanged boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
begin
  select b.epoch, b.unchanged into epoch, unchanged from registry.put_blocked_key(p_operator, p_spki_sha256, p_reason) b;
  if not unchanged and (select count(*) from registry.blocked_key) > 100000 then
    raise exception 'the block list is full' using errcode = 'SLC01';
  end if;
end $$;

-- Which of these keys are on the list now: for a signer whose snapshot is older than its claim.
create function registry.blocked_keys(p_spki_sha256s bytea[]) returns setof bytea
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select b.spki_sha256 from registry.blocked_key b where b.spki_sha256 = any(p_spki_sha256s)
$$;

-- RFC 5280 5.3.1: keyCompromise (1) says that others know the private key. Whoever revokes so blocks the key in the same
-- transaction, whatever the verb; and also when the list is full.
create function ledger.block_compromised() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_spki bytea;
begin
  select r.spki into v_spki from ledger.request r where r.id = new.request_id;
  if not found then
    raise exception 'serial % is revoked for keyCompromise and its key is not known', encode(new.serial, 'hex') using errcode = 'SLT01';
  end if;
  perform registry.put_blocked_key('-ledger', sha256(v_spki), 'keyCompromise: serial ' || encode(new.serial, 'hex') || ' of ' || new.ca);
  return null;
end $$;
create trigger block_compromised after insert on ledger.revocation for each row when (new.reason = 1) execute function ledger.block_compromised();

-- As 0003 has it, and `key-blocked`.
create or replace function ledger.uses_up_attempt(p_code text) returns boolean language sql immutable parallel safe as $$
  select p_code not in ('profile-unknown', 'profile-disabled', 'account-disabled', 'ca-unknown', 'ca-pending', 'ca-disabled', 'ca-retiring', 'ca-destroying',
    'ca-destroyed', 'ca-expiring', 'key-blocked', 'not-permitted', 'forbidden', 'csr-invalid', 'key-weak', 'subject-invalid', 'lint-failed', 'body-invalid', 'key-missing',
    'token-failed', 'unavailable', 'stale-snapshot', 'draining')
$$;

do $$
declare
  v_db text := current_database();
begin
  execute format('grant execute on function registry.block_key to %I', v_db || '_issuer_registry');
  execute format('grant execute on function registry.blocked_keys to %I', v_db || '_signer');
  execute format('grant select on registry.blocked_key to %I', v_db || '_issuer_registry');
end $$;
reset role;
