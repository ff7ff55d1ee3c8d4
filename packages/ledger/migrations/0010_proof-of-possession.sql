do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- That the sender has the key is shown by a CSR, or by a signature over a nonce of ours: kept as evidence, exactly one.
-- A proof is {nonce, signature} as sent; what was signed follows from it and the row (packages/pki: possession.ts).
-- Key work has no sender: its CSR is empty.
alter table ledger.request alter column csr drop not null;
alter table ledger.request add column proof jsonb;
alter table ledger.request add constraint request_evidence check ((csr is null) <> (proof is null));

-- Does an attempt that failed so count among the three that a request has? Only what nobody can explain: a lost lease
-- and `unknown` (packages/issuance: dispositions with attemptsMax). A token's failures end at five burned serials.
create or replace function ledger.uses_up_attempt(p_code text) returns boolean language sql immutable parallel safe as $$
  select p_code not in ('profile-unknown', 'profile-disabled', 'account-disabled', 'ca-unknown', 'ca-pending', 'ca-disabled', 'ca-retiring', 'ca-destroying',
    'ca-destroyed', 'ca-expiring', 'not-permitted', 'forbidden', 'csr-invalid', 'key-weak', 'subject-invalid', 'validity-invalid', 'lint-failed', 'body-invalid', 'key-missing',
    'token-failed', 'unavailable', 'stale-snapshot', 'draining')
$$;

drop function ledger.accept(text, bigint, uuid[], text[], text[], integer[], text[], text[], text[], text[], bytea[], bytea[], bytea[], text[], bytea[], integer[], uuid[]);

-- Step 4, as in 0006, and with proofs. Idempotency row, request row and work row of many requests in one commit.
-- `again`: the equal request that a keyless one was about to join has just ended; nothing was stored of this row.
-- Crash before the commit: nothing is stored, the client is told `unknown` or nothing, and asks again with its key.
-- Crash after it: the request is accepted; the sweep adds its turn, a retry joins it.
create function ledger.accept(
  p_caller text, p_incarnation bigint,
  p_ids uuid[], p_accounts text[], p_profiles text[], p_revisions integer[], p_cas text[], p_key_groups text[], p_classes text[],
  p_contents text[], p_spkis bytea[], p_csrs bytea[], p_proofs jsonb[], p_fingerprints bytea[], p_keys text[], p_payload_hashes bytea[],
  p_wait_ms integer[], p_reopens uuid[])
returns table (ordinal integer, verdict text, request_id uuid, deadline bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_now timestamptz;
begin
  perform registry.check_caller(p_caller, p_incarnation);
  v_now := clock_timestamp();

  -- Keys, in sorted order. A key past its time is free again; so is one whose end was `expired`, for whoever names that end.
  insert into ledger.idempotency as i (account, key, request_id, payload_hash, created_at, expires_at)
  select distinct on (u.account, u.key) u.account, u.key, u.id, u.payload_hash, v_now, v_now + interval '72 h'
  from unnest(p_ids, p_accounts, p_keys, p_payload_hashes) u (id, account, key, payload_hash)
  where u.key is not null
  order by u.account, u.key, u.id
  on conflict (account, key) do update
    set request_id = excluded.request_id, payload_hash = excluded.payload_hash, created_at = excluded.created_at, expires_at = excluded.expires_at
    where i.expires_at <= v_now;

  if exists (select from unnest(p_reopens) r (id) where r.id is not null) then
    perform from ledger.idempotency i join unnest(p_accounts, p_keys, p_reopens) u (account, key, reopens)
      on i.account = u.account and i.key = u.key and i.request_id = u.reopens
      order by i.account, i.key for update of i;
    update ledger.idempotency i set request_id = u.id, created_at = v_now, expires_at = v_now + interval '72 h'
    from (select distinct on (r.account, r.key) r.* from unnest(p_ids, p_accounts, p_keys, p_payload_hashes, p_reopens) r (id, account, key, payload_hash, reopens)
          where r.reopens is not null order by r.account, r.key, r.id) u
    where i.account = u.account and i.key = u.key and i.request_id = u.reopens and i.payload_hash = u.payload_hash
      and exists (select from ledger.outcome o where o.request_id = u.reopens and o.state = 'expired');
  end if;

  -- Fingerprints of what is open or shelved. Two keys may stand for equal requests; a keyless one joins the first.
  insert into ledger.open_fingerprint (account, fingerprint, request_id)
  select distinct on (u.fingerprint) u.account, u.fingerprint, u.id
  from unnest(p_ids, p_accounts, p_keys, p_fingerprints) u (id, account, key, fingerprint)
  left join lateral (select x.request_id from ledger.idempotency x where x.account = u.account and x.key = u.key offset 0) i on true
  where u.key is null or i.request_id = u.id
  order by u.fingerprint, u.id
  on conflict do nothing;

  -- The key locks may have been waited for: the lease must hold now.
  perform registry.check_caller(p_caller, p_incarnation);
  return query
  with judged as materialized (
    select u.*,
      case when u.key is not null then i.request_id else f.request_id end as owner,
      u.key is null or i.payload_hash = u.payload_hash as same_payload,
      v_now + make_interval(secs => u.wait_ms / 1000.0) as due
    from unnest(p_ids, p_accounts, p_profiles, p_revisions, p_cas, p_key_groups, p_classes, p_contents, p_spkis, p_csrs, p_proofs, p_fingerprints, p_keys, p_payload_hashes, p_wait_ms)
      with ordinality u (id, account, profile, revision, ca, key_group, class, content, spki, csr, proof, fingerprint, key, payload_hash, wait_ms, ordinal)
    left join lateral (select x.request_id, x.payload_hash from ledger.idempotency x where x.account = u.account and x.key = u.key offset 0) i on true
    left join lateral (select x.request_id from ledger.open_fingerprint x where u.key is null and x.fingerprint = u.fingerprint and x.account = u.account offset 0) f on true
  ), stored as (
    insert into ledger.request (id, account, profile, profile_revision, ca, key_group, class, purpose, content, spki, csr, proof, fingerprint, idempotency_key, payload_hash, accepted_by, accepted_at)
    select j.id, j.account, j.profile, j.revision, j.ca, j.key_group, j.class, 'subscriber', j.content, j.spki, j.csr, j.proof, j.fingerprint, j.key, j.payload_hash, p_caller, v_now
    from judged j where j.owner = j.id order by j.id
  ), opened as (
    insert into ledger.work (request_id, class, key_group, account, ca, profile, purpose, fingerprint, state, deadline, accepted_at)
    select j.id, j.class, j.key_group, j.account, j.ca, j.profile, 'subscriber', j.fingerprint, 'queued', j.due, v_now
    from judged j where j.owner = j.id order by j.id
  )
  select j.ordinal::integer,
    case when j.owner = j.id then 'accepted' when j.owner is null then 'again' when not j.same_payload then 'payload-mismatch' else 'joined' end,
    j.owner, ledger.micros(j.due)
  from judged j;
end $$;

do $$ begin execute format('grant execute on function ledger.accept to %I', current_database() || '_identity_api'); end $$;
reset role;
