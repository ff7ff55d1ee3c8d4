do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

create function ledger.register_templates(p_caller text, p_incarnation bigint, p_compiler text, p_profiles text[], p_revisions integer[], p_hashes bytea[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_other text;
begin
  perform registry.check_caller(p_caller, p_incarnation);
  insert into registry.template (profile, revision, compiler, hash, registered_by)
  select u.profile, u.revision, p_compiler, u.hash, p_caller
  from unnest(p_profiles, p_revisions, p_hashes) u (profile, revision, hash)
  order by u.profile, u.revision
  on conflict do nothing;
  select t.profile into v_other
  from unnest(p_profiles, p_revisions, p_hashes) u (profile, revision, hash)
  join registry.template t on t.profile = u.profile and t.revision = u.revision and t.compiler = p_compiler and t.hash <> u.hash
  limit 1;
  if found then
    raise exception 'profile %: another signer with compiler % makes other bytes of this revision', v_other, p_compiler using errcode = 'SLC01';
  end if;
end $$;

create type ledger.claimed as (
  verdict text, request_id uuid, code text, purpose text, account text, profile text, profile_revision integer, accepted_revision integer,
  ca text, subject_ca text, content text, spki bytea, attempt integer, serial bytea, not_before timestamptz, template_hash bytea, epoch bigint, accepted_at timestamptz);

-- (a) Candidates by policy, without locks: round robin over the flows (account, CA) of the lane, from a cursor. A
-- quarantined or wholly held flow is skipped; overdue rows are passed over (the sweep ends them), and so are those of
-- profiles whose newest revision nobody here has a template for, unless there is nothing else. Costs O(n), and while
-- part of a flow is held or without template, the rows passed over.
create function ledger.candidates(p_class text, p_key_group text, p_max integer, p_compiler text, p_cursor_account text, p_cursor_ca text,
  out ids uuid[], out next_account text, out next_ca text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_account text := coalesce(p_cursor_account, '');
  v_ca text := coalesce(p_cursor_ca, '');
  v_wrapped boolean := p_cursor_account is null;
  v_accounts text[] := '{}';
  v_cas text[] := '{}';
  v_quota integer;
  v_full boolean;
  v_partial boolean;
  v_without_template text[];
begin
  -- A jump from flow to flow over the index: one probe each, however many rows a flow has.
  while cardinality(v_accounts) < p_max loop
    select w.account, w.ca into v_account, v_ca from ledger.work w
    where w.class = p_class and w.key_group = p_key_group and w.state = 'queued' and (w.account, w.ca) > (v_account, v_ca)
    order by w.account, w.ca limit 1;
    if not found then
      exit when v_wrapped;
      v_wrapped := true;
      v_account := '';
      v_ca := '';
      continue;
    end if;
    exit when p_cursor_account is not null and v_wrapped and (v_account, v_ca) > (p_cursor_account, p_cursor_ca);
    if not exists (select from registry.ca c where c.name = v_ca and c.quarantined)
       and not exists (select from registry.hold h where h.lifted_at is null and h.expires_at > v_now and h.profile is null and h.fraction is null
         and (h.ca is null or h.ca = v_ca) and (h.account is null or h.account = v_account) and (h.class is null or h.class = p_class)) then
      v_accounts := v_accounts || v_account;
      v_cas := v_cas || v_ca;
    end if;
  end loop;
  if cardinality(v_accounts) = 0 then
    return;
  end if;
  next_account := v_accounts[cardinality(v_accounts)];
  next_ca := v_cas[cardinality(v_cas)];
  v_quota := ceil(p_max::numeric / cardinality(v_accounts));
  -- A hold on part of a flow: its rows are passed over one by one, or they would keep their place at the head for ever.
  v_partial := exists (select from registry.hold h where h.lifted_at is null and h.expires_at > v_now and (h.profile is not null or h.fraction is not null));
  v_without_template := array(
    select p.name from registry.profile p
    where p.state = 'enabled' and not exists (select from registry.template t where t.profile = p.name and t.revision = p.revision and t.compiler = p_compiler));
  loop
    select array_agg(q.request_id order by q.turn, q.deadline), bool_or(q.turn = v_quota) into ids, v_full
    from (
      select t.request_id, t.deadline, t.turn
      from unnest(v_accounts, v_cas) f (account, ca)
      cross join lateral (
        select w.request_id, w.deadline, row_number() over (order by w.deadline, w.request_id) as turn
        from (select x.request_id, x.deadline from ledger.work x
              where x.class = p_class and x.key_group = p_key_group and x.state = 'queued' and x.account = f.account and x.ca = f.ca and x.deadline > v_now
                and (not v_partial or registry.held_by(x.request_id, p_class, x.account, x.ca, x.profile) is null)
                and coalesce(x.profile, '') <> all (v_without_template)
              order by x.deadline, x.request_id limit v_quota) w) t
      order by t.turn, t.deadline limit p_max) q;
    if ids is null and cardinality(v_without_template) > 0 then
      -- Nothing else is there: the claim says `stale`, so that the signer looks at the registry.
      v_without_template := '{}';
      continue;
    end if;
    exit when ids is null or cardinality(ids) >= p_max or not coalesce(v_full, false) or v_quota >= p_max;
    v_quota := least(p_max, v_quota * 4);
  end loop;
end $$;

-- Step 6, the claim: one call, one transaction. What it stores is the record of intent.
-- Crash after it: the lease runs out, the sweep burns the serial and queues the request again.
create function ledger.claim(
  p_caller text, p_incarnation bigint, p_claim uuid, p_class text, p_key_group text, p_max integer, p_ids uuid[], p_serials bytea[],
  p_compiler text, p_lease_ms integer, p_cursor_account text, p_cursor_ca text,
  out rows ledger.claimed[], out next_account text, out next_ca text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_ids uuid[];
  v_cas text[];
  v_free text[] := '{}';
  v_ca text;
  v_ended uuid[];
  v_holds boolean;
begin
  if p_max not between 1 and 1000 or cardinality(p_serials) < p_max or p_lease_ms not between 500 and 60000 then
    raise exception 'claim of % with % serials for % ms', p_max, cardinality(p_serials), p_lease_ms using errcode = 'SLC01';
  end if;
  perform registry.check_caller(p_caller, p_incarnation);

  -- (a) candidates: the turn's ids when calm, by policy otherwise
  if p_ids is not null then
    v_ids := p_ids;
  else
    select c.ids, c.next_account, c.next_ca into v_ids, next_account, next_ca
    from ledger.candidates(p_class, p_key_group, p_max, p_compiler, p_cursor_account, p_cursor_ca) c;
  end if;
  if v_ids is null then
    return;
  end if;

  -- (b) shared lock per CA, tried, in sorted order; a CA that somebody changes is skipped
  select array_agg(distinct w.ca order by w.ca) into v_cas from ledger.work w
  where w.request_id = any(v_ids) and w.state || '' = 'queued' and w.class || '' = p_class and w.key_group || '' = p_key_group;
  if v_cas is null then
    return;
  end if;
  foreach v_ca in array v_cas loop
    if pg_try_advisory_xact_lock_shared(registry.lock_key('ca', v_ca)) then
      v_free := v_free || v_ca;
    end if;
  end loop;

  -- (c) and (d) in new statements, whose snapshots are younger than the locks: read the registry, take the rows
  perform registry.check_caller(p_caller, p_incarnation);
  v_holds := exists (select from registry.hold h where h.lifted_at is null and h.expires_at > clock_timestamp());
  with picked as materialized (
    select w.request_id, w.attempt + 1 as attempt, w.deadline <= clock_timestamp() as overdue,
      case
        when r.purpose = 'subscriber' and a.state is null then 'forbidden'
        when r.purpose = 'subscriber' and a.state <> 'enabled' then 'account-disabled'
        when w.profile is not null and (p.name is null or p.ca <> w.ca) then 'profile-unknown'
        when w.profile is not null and p.state <> 'enabled' then 'profile-disabled'
        else registry.refusal(c.state, r.purpose, r.subject_ca = r.ca)
      end as code,
      coalesce(c.quarantined, false) or (v_holds and registry.held_by(w.request_id, w.class, w.account, w.ca, w.profile) is not null) as held,
      r.purpose, w.account, w.profile, p.revision, r.profile_revision as accepted_revision, w.ca, r.subject_ca, r.content, r.spki,
      t.hash, v.backdate_s, w.accepted_at
    from ledger.work w
    cross join lateral (select x.purpose, x.profile_revision, x.subject_ca, x.ca, x.content, x.spki from ledger.request x where x.id = w.request_id offset 0) r
    left join registry.ca c on c.name = w.ca
    left join registry.account a on a.name = w.account
    left join registry.profile p on p.name = w.profile
    left join registry.profile_revision v on v.profile = p.name and v.revision = p.revision
    left join registry.template t on t.profile = p.name and t.revision = p.revision and t.compiler = p_compiler
    where w.request_id = any(v_ids) and w.ca || '' = any(v_free) and w.state || '' = 'queued' and w.class || '' = p_class and w.key_group || '' = p_key_group
    order by w.request_id
    for update of w skip locked
  ), judged as materialized (
    select k.*,
      case when k.held then 'held' when k.overdue then 'expired' when k.code is not null then 'rejected'
           when k.profile is not null and k.hash is null then 'stale' else 'signing' end as verdict
    from picked k
  ), taken as materialized (
    select j.*, case when j.profile is null then null else p_serials[row_number() over (order by j.request_id)] end as serial,
      date_trunc('second', clock_timestamp()) - make_interval(secs => coalesce(j.backdate_s, 0)) as not_before,
      clock_timestamp() + make_interval(secs => p_lease_ms / 1000.0) as lease_until,
      (select e.epoch from registry.epoch e) as epoch
    from judged j where j.verdict = 'signing' order by j.request_id limit p_max
  ), updated as (
    update ledger.work w set state = 'signing', attempt = t.attempt, signer = p_caller, claim_id = p_claim, serial = t.serial, lease_until = t.lease_until
    from taken t where w.request_id = any(v_ids) and w.request_id = t.request_id
  ), intended as (
    insert into ledger.serial (ca, serial, request_id, attempt, state, claim_id, signer, claimed_at, lease_until, not_before, profile, profile_revision, compiler, template_hash, epoch)
    select t.ca, t.serial, t.request_id, t.attempt, 'intended', p_claim, p_caller, clock_timestamp(), t.lease_until, t.not_before, t.profile, t.revision, p_compiler, t.hash, t.epoch
    from taken t where t.serial is not null
  )
  select array_agg(row(
    j.verdict, j.request_id, j.code, j.purpose, j.account, j.profile, j.revision, j.accepted_revision,
    j.ca, j.subject_ca, j.content, j.spki, j.attempt, t.serial, t.not_before, j.hash, t.epoch, j.accepted_at)::ledger.claimed)
  into rows
  from judged j left join taken t on t.request_id = j.request_id
  where j.verdict <> 'signing' or t.request_id is not null;

  -- what is overdue or not permitted costs one row, here and now: no signature, no retry, no back-off
  select array_agg(c.request_id) into v_ended from unnest(rows) c where c.verdict = 'expired';
  if v_ended is not null then
    perform ledger.end_requests(v_ended, 'expired', null, p_caller);
  end if;
  for v_ca, v_ended in select c.code, array_agg(c.request_id) from unnest(rows) c where c.verdict = 'rejected' group by c.code loop
    perform ledger.end_requests(v_ended, 'rejected', v_ca, p_caller);
  end loop;
end $$;

-- The same claim once more, when its answer was lost: what it still holds.
create function ledger.claim_again(p_caller text, p_incarnation bigint, p_claim uuid, out rows ledger.claimed[])
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform registry.check_caller(p_caller, p_incarnation);
  select array_agg(row(
    'signing', w.request_id, null, r.purpose, w.account, w.profile, s.profile_revision, r.profile_revision,
    w.ca, r.subject_ca, r.content, r.spki, w.attempt, w.serial, s.not_before, s.template_hash, s.epoch, w.accepted_at)::ledger.claimed)
  into rows
  from ledger.work w
  cross join lateral (select x.* from ledger.request x where x.id = w.request_id offset 0) r
  left join lateral (select x.* from ledger.serial x where x.ca = w.ca and x.serial = w.serial offset 0) s on true
  where w.state = 'signing' and w.claim_id = p_claim and w.signer = p_caller and w.lease_until > clock_timestamp();
end $$;

-- Step 8. Certificate, serial `issued`, outcome, work row gone, in one commit, by compare-and-set on (request,
-- `signing`, attempt) and the serial that belongs to it. Asked again with the same attempt and serial it succeeds.
-- A late signer loses; what it signed is kept, and its serial is burned already.
-- Crash before the commit: the lease runs out, serial burned, queued again. After it: the waiters read the ledger.
create function ledger.complete(p_caller text, p_ids uuid[], p_attempts integer[], p_serials bytea[], p_not_befores timestamptz[], p_not_afters timestamptz[], p_ders bytea[])
returns table (ordinal integer, verdict text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_done uuid[];
  v_fingerprints bytea[];
begin
  select array_agg(distinct m.request_id) into v_done from (
    select w.request_id from ledger.work w
    join unnest(p_ids, p_attempts, p_serials) u (id, attempt, serial) on w.request_id = u.id
    where w.request_id = any(p_ids) and w.state || '' = 'signing' and w.attempt = u.attempt and w.serial = u.serial
    order by w.request_id for update of w) m;
  if v_done is not null then
    with stored as (
      insert into ledger.certificate (request_id, attempt, ca, serial, not_before, not_after, der)
      select distinct on (u.id) u.id, u.attempt, w.ca, u.serial, u.not_before, u.not_after, u.der
      from unnest(p_ids, p_attempts, p_serials, p_not_befores, p_not_afters, p_ders) u (id, attempt, serial, not_before, not_after, der)
      join ledger.work w on w.request_id = u.id where u.id = any(v_done) and w.attempt = u.attempt and w.serial = u.serial order by u.id
    ), settled as (
      update ledger.serial s set state = 'issued' from ledger.work w
      where w.request_id = any(v_done) and s.ca = w.ca and s.serial = w.serial and s.serial = any(p_serials)
    )
    insert into ledger.outcome (request_id, state, attempt, serial, ended_by)
    select w.request_id, 'issued', w.attempt, w.serial, p_caller from ledger.work w where w.request_id = any(v_done) order by w.request_id;
    with gone as (delete from ledger.work w where w.request_id = any(v_done) returning w.fingerprint)
    select array_agg(g.fingerprint) into v_fingerprints from gone g;
    delete from ledger.open_fingerprint f where f.fingerprint = any(v_fingerprints) and f.request_id = any(v_done);
  end if;
  if cardinality(p_ids) > coalesce(cardinality(v_done), 0) then
    insert into ledger.certificate (request_id, attempt, ca, serial, not_before, not_after, der)
    select u.id, u.attempt, s.ca, u.serial, u.not_before, u.not_after, u.der
    from unnest(p_ids, p_attempts, p_serials, p_not_befores, p_not_afters, p_ders) u (id, attempt, serial, not_before, not_after, der)
    join ledger.serial s on s.request_id = u.id and s.attempt = u.attempt and s.serial = u.serial and s.state = 'burned'
    order by u.id, u.attempt
    on conflict do nothing;
  end if;
  return query
    select u.ordinal::integer, case when o.request_id is null then 'late' else 'issued' end
    from unnest(p_ids, p_attempts, p_serials) with ordinality u (id, attempt, serial, ordinal)
    left join lateral (select x.* from ledger.outcome x where x.request_id = u.id offset 0) o on o.state = 'issued' and o.attempt = u.attempt and o.serial = u.serial;
end $$;

-- The key was not asked: serial `void`, and the request ends as `rejected`.
create function ledger.reject(p_caller text, p_ids uuid[], p_attempts integer[], p_codes text[], p_details text[]) returns setof uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_done uuid[];
  v_serials bytea[];
  v_fingerprints bytea[];
begin
  select array_agg(distinct m.request_id), array_agg(distinct m.serial) into v_done, v_serials from (
    select w.request_id, w.serial from ledger.work w join unnest(p_ids, p_attempts) u (id, attempt) on w.request_id = u.id
    where w.request_id = any(p_ids) and w.state || '' = 'signing' and w.attempt = u.attempt and w.signer = p_caller order by w.request_id for update of w) m;
  if v_done is null then
    return;
  end if;
  update ledger.serial s set state = 'void' from ledger.work w where w.request_id = any(v_done) and s.ca = w.ca and s.serial = w.serial and s.serial = any(v_serials);
  insert into ledger.outcome (request_id, state, code, detail, attempt, withheld, ended_by)
  select distinct on (w.request_id) w.request_id, 'rejected', u.code, u.detail, w.attempt, w.burned > 0, p_caller
  from ledger.work w join unnest(p_ids, p_attempts, p_codes, p_details) u (id, attempt, code, detail) on u.id = w.request_id and u.attempt = w.attempt
  where w.request_id = any(v_done) order by w.request_id;
  with gone as (delete from ledger.work w where w.request_id = any(v_done) returning w.fingerprint)
  select array_agg(g.fingerprint) into v_fingerprints from gone g;
  delete from ledger.open_fingerprint f where f.fingerprint = any(v_fingerprints) and f.request_id = any(v_done);
  return query select unnest(v_done);
end $$;

-- The key was not asked: serial `void`, queued again.
create function ledger.release(p_caller text, p_ids uuid[], p_attempts integer[], p_codes text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_done uuid[];
  v_serials bytea[];
begin
  select array_agg(distinct m.request_id), array_agg(distinct m.serial) into v_done, v_serials from (
    select w.request_id, w.serial from ledger.work w join unnest(p_ids, p_attempts) u (id, attempt) on w.request_id = u.id
    where w.request_id = any(p_ids) and w.state || '' = 'signing' and w.attempt = u.attempt and w.signer = p_caller order by w.request_id for update of w) m;
  update ledger.serial s set state = 'void' from ledger.work w where w.request_id = any(v_done) and s.ca = w.ca and s.serial = w.serial and s.serial = any(v_serials);
  insert into ledger.event (request_id, kind, attempt, actor, detail)
  select distinct on (w.request_id) w.request_id, 'released', w.attempt, p_caller, jsonb_build_object('code', u.code)
  from ledger.work w join unnest(p_ids, p_attempts, p_codes) u (id, attempt, code) on u.id = w.request_id and u.attempt = w.attempt
  where w.request_id = any(v_done) order by w.request_id;
  update ledger.work w set state = 'queued', signer = null, claim_id = null, serial = null, lease_until = null where w.request_id = any(v_done);
end $$;

-- Any doubt after the key was asked, or a lease that ran out: the serial is burned and revoked in the same transaction
-- and the request queued again under the same attempt count; with 3 losses or 5 burned serials it goes to the shelf.
create function ledger.burn_attempts(p_ids uuid[], p_attempts integer[], p_codes text[], p_actor text) returns table (request_id uuid, state text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_done uuid[];
  v_serials bytea[];
  v_failed uuid[];
begin
  select array_agg(distinct m.request_id), array_agg(distinct m.serial) into v_done, v_serials from (
    select w.request_id, w.serial from ledger.work w join unnest(p_ids, p_attempts) u (id, attempt) on w.request_id = u.id
    where w.request_id = any(p_ids) and w.state || '' = 'signing' and w.attempt = u.attempt order by w.request_id for update of w skip locked) m;
  if v_done is null then
    return;
  end if;
  insert into ledger.event (request_id, kind, attempt, actor, detail)
  select distinct on (w.request_id) w.request_id, 'burned', w.attempt, p_actor, jsonb_build_object('code', u.code, 'serial', encode(w.serial, 'hex'), 'signer', w.signer)
  from ledger.work w join unnest(p_ids, p_attempts, p_codes) u (id, attempt, code) on u.id = w.request_id and u.attempt = w.attempt
  where w.request_id = any(v_done) order by w.request_id;
  insert into ledger.revocation (ca, serial, request_id)
  select w.ca, w.serial, w.request_id from ledger.work w where w.request_id = any(v_done) and w.serial is not null;
  update ledger.serial s set state = 'burned' from ledger.work w where w.request_id = any(v_done) and s.ca = w.ca and s.serial = w.serial and s.serial = any(v_serials);
  update ledger.work w set burned = w.burned + (w.serial is not null)::integer, lost = w.lost + u.used::integer
  from (select i.id, i.attempt, bool_or(ledger.uses_up_attempt(i.code)) as used from unnest(p_ids, p_attempts, p_codes) i (id, attempt, code) group by i.id, i.attempt) u
  where w.request_id = any(v_done) and w.request_id = u.id and w.attempt = u.attempt;
  select array_agg(w.request_id) into v_failed from ledger.work w where w.request_id = any(v_done) and (w.lost >= 3 or w.burned >= 5);
  if v_failed is not null then
    perform ledger.shelve(v_failed, 'failed', 'failed', p_actor, null);
  end if;
  update ledger.work w set state = 'queued', signer = null, claim_id = null, serial = null, lease_until = null where w.request_id = any(v_done);
  return query select d.id, case when d.id = any(v_failed) then 'failed' else 'queued' end from unnest(v_done) d (id);
end $$;

create function ledger.burn(p_caller text, p_ids uuid[], p_attempts integer[], p_codes text[]) returns table (request_id uuid, state text)
language sql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
  -- waits where the sweep skips: whoever asks must know that it is burned
  select from ledger.work w where w.request_id = any(p_ids) order by w.request_id for update;
  select b.request_id, b.state from ledger.burn_attempts(p_ids, p_attempts, p_codes, p_caller) b
$$;

-- Once a second, by whoever gets the lock, limited: leases that ran out, overdue rows, what the shelf kept too long.
create function ledger.sweep(p_caller text, p_incarnation bigint, out swept boolean, out requeued integer, out ended_ids uuid[], out ended_states text[])
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_ids uuid[];
  v_attempts integer[];
  v_held uuid[];
begin
  perform registry.check_caller(p_caller, p_incarnation);
  swept := pg_try_advisory_xact_lock(hashtextextended('sluice:sweep', 0));
  requeued := 0;
  ended_ids := '{}';
  ended_states := '{}';
  if not swept then
    return;
  end if;

  select array_agg(l.request_id), array_agg(l.attempt) into v_ids, v_attempts
  from (select w.request_id, w.attempt from ledger.work w where w.state = 'signing' and w.lease_until < clock_timestamp() order by w.lease_until limit 1000) l;
  if v_ids is not null then
    with lost as (
      select b.request_id, b.state from ledger.burn_attempts(v_ids, v_attempts, array_fill('lease-lost'::text, array[cardinality(v_ids)]), p_caller) b)
    select count(*) filter (where l.state = 'queued'), coalesce(array_agg(l.request_id) filter (where l.state <> 'queued'), '{}'), coalesce(array_agg(l.state) filter (where l.state <> 'queued'), '{}')
      into requeued, ended_ids, ended_states from lost l;
  end if;

  select array_agg(l.request_id) filter (where not l.held), array_agg(l.request_id) filter (where l.held) into v_ids, v_held
  from (select w.request_id, coalesce(c.quarantined, false) or registry.held_by(w.request_id, w.class, w.account, w.ca, w.profile) is not null as held
        from (select x.* from ledger.work x
              where x.request_id in (select y.request_id from ledger.work y where y.state = 'queued' and y.deadline <= clock_timestamp() order by y.deadline limit 2000)
                and x.state = 'queued' and x.deadline <= clock_timestamp()
              order by x.request_id for update skip locked) w
        left join registry.ca c on c.name = w.ca) l;
  if v_ids is not null then
    perform ledger.end_requests(v_ids, 'expired', null, p_caller);
    ended_ids := ended_ids || v_ids;
    ended_states := ended_states || array_fill('expired'::text, array[cardinality(v_ids)]);
  end if;
  if v_held is not null then
    perform ledger.shelve(v_held, 'parked', 'held', p_caller, null);
    ended_ids := ended_ids || v_held;
    ended_states := ended_states || array_fill('parked'::text, array[cardinality(v_held)]);
  end if;

  select array_agg(l.request_id) into v_ids
  from (select s.request_id from ledger.shelf s
        where s.request_id in (select t.request_id from ledger.shelf t where t.expires_at <= clock_timestamp() order by t.expires_at limit 1000)
        order by s.request_id for update skip locked) l;
  if v_ids is not null then
    perform ledger.end_requests(v_ids, 'expired', null, p_caller);
    ended_ids := ended_ids || v_ids;
    ended_states := ended_states || array_fill('expired'::text, array[cardinality(v_ids)]);
  end if;
end $$;

reset role;
