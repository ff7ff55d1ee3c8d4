do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

drop function ledger.candidates(text, text, integer, text, text, text);
drop function ledger.claim(text, bigint, uuid, text, text, integer, uuid[], bytea[], text, integer, text, text);

-- (a) Candidates by policy, without locks: round robin over the flows (account, CA) of the lane, from a cursor. As in
-- 0007, and flows are passed over whose CA is quarantined on this token or which the caller skips. A quarantined or
-- wholly held flow is skipped; overdue rows are passed over (the sweep ends them), and so are those of
-- profiles whose newest revision nobody here has a template for, unless there is nothing else. Costs O(n), and while
-- part of a flow is held or without template, the rows passed over.
create function ledger.candidates(p_class text, p_key_group text, p_max integer, p_compiler text, p_cursor_account text, p_cursor_ca text, p_token text, p_skip_cas text[],
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
    if not exists (select from registry.ca c where c.name = v_ca and c.quarantined) and v_ca <> all (p_skip_cas)
       and not exists (select from registry.ca_token q where q.ca = v_ca and q.token = p_token and q.quarantined)
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

-- Step 6, the claim: one call, one transaction. What it stores is the record of intent. As in 0015, and what is
-- quarantined on the caller's token, or skipped by it, stays as it is: for another token, or until a person decides.
-- Crash after it: the lease runs out, the sweep burns the serial and queues the request again.
create function ledger.claim(
  p_caller text, p_incarnation bigint, p_claim uuid, p_class text, p_key_group text, p_max integer, p_ids uuid[], p_serials bytea[],
  p_compiler text, p_lease_ms integer, p_cursor_account text, p_cursor_ca text, p_skip_cas text[] default '{}',
  out rows ledger.claimed[], out next_account text, out next_ca text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_ids uuid[];
  v_locked uuid[];
  v_first uuid;
  v_last uuid;
  v_cas text[];
  v_free text[] := '{}';
  v_token text;
  v_missing text[];
  v_ca text;
  v_ended uuid[];
  v_holds boolean;
  v_ends boolean;
begin
  if p_max not between 1 and 1000 or cardinality(p_serials) < p_max or p_lease_ms not between 500 and 60000 then
    raise exception 'claim of % with % serials for % ms', p_max, cardinality(p_serials), p_lease_ms using errcode = 'SLC01';
  end if;
  -- lock order: subscriber, CA, work
  perform pg_advisory_xact_lock_shared(registry.lock_key('subscriber', p_caller));

  -- (a) candidates: the turn's ids when calm, by policy otherwise
  if p_ids is not null then
    v_ids := p_ids;
  else
    select c.ids, c.next_account, c.next_ca into v_ids, next_account, next_ca
    from ledger.candidates(p_class, p_key_group, p_max, p_compiler, p_cursor_account, p_cursor_ca,
      (select s.token from registry.subscriber s where s.name = p_caller), p_skip_cas) c;
  end if;

  -- (b) shared lock per CA, tried, in sorted order; a CA that somebody changes is skipped
  if v_ids is not null then
    select array_agg(distinct w.ca order by w.ca) into v_cas from ledger.work w
    where w.request_id = any(v_ids) and w.state || '' = 'queued' and w.class || '' = p_class and w.key_group || '' = p_key_group;
    foreach v_ca in array coalesce(v_cas, '{}') loop
      continue when v_ca = any(p_skip_cas);
      if pg_try_advisory_xact_lock_shared(registry.lock_key('ca', v_ca)) then
        v_free := v_free || v_ca;
      end if;
    end loop;
  end if;

  -- (c) and (d) in new statements, whose snapshots are younger than the locks: take the rows, read the registry
  v_token := registry.check_caller(p_caller, p_incarnation);
  select exists (select from registry.hold h where h.lifted_at is null and h.expires_at > clock_timestamp()),
    (select array_agg(q.ca) from registry.ca_token q where q.token = v_token and q.quarantined)
  into v_holds, v_missing;
  if v_missing is not null then
    v_free := array(select f.name from unnest(v_free) f (name) where f.name <> all (v_missing));
  end if;
  select array_agg(l.request_id) into v_locked from (
    select w.request_id from ledger.work w
    where w.request_id = any(v_ids) and w.ca = any(v_free) and w.state || '' = 'queued' and w.class || '' = p_class and w.key_group || '' = p_key_group
    order by w.request_id for update skip locked) l;
  if v_locked is null then
    return;
  end if;
  v_first := v_locked[1];
  v_last := v_locked[cardinality(v_locked)];
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
    cross join lateral (select x.purpose, x.profile_revision, x.subject_ca, x.ca, x.content, x.spki from ledger.request x
      where x.id = w.request_id and x.id between v_first and v_last offset 0) r
    left join registry.ca c on c.name = w.ca
    left join registry.account a on a.name = w.account
    left join registry.profile p on p.name = w.profile
    left join registry.profile_revision v on v.profile = p.name and v.revision = p.revision
    left join registry.template t on t.profile = p.name and t.revision = p.revision and t.compiler = p_compiler
    where w.request_id = any(v_locked) and w.ca || '' = any(v_free)
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
    from taken t where w.request_id = any(v_locked) and w.request_id = t.request_id
  ), intended as (
    insert into ledger.serial (ca, serial, request_id, attempt, state, claim_id, signer, claimed_at, lease_until, not_before, profile, profile_revision, compiler, template_hash, epoch)
    select t.ca, t.serial, t.request_id, t.attempt, 'intended', p_claim, p_caller, clock_timestamp(), t.lease_until, t.not_before, t.profile, t.revision, p_compiler, t.hash, t.epoch
    from taken t where t.serial is not null
  )
  select array_agg(row(
    j.verdict, j.request_id, j.code, j.purpose, j.account, j.profile, j.revision, j.accepted_revision,
    j.ca, j.subject_ca, j.content, j.spki, j.attempt, t.serial, t.not_before, j.hash, t.epoch, j.accepted_at)::ledger.claimed),
    bool_or(j.verdict in ('expired', 'rejected'))
  into rows, v_ends
  from judged j left join taken t on t.request_id = j.request_id
  where j.verdict <> 'signing' or t.request_id is not null;

  -- what is overdue or not permitted costs one row, here and now: no signature, no retry, no back-off
  if v_ends then
    select array_agg(c.request_id) into v_ended from unnest(rows) c where c.verdict = 'expired';
    if v_ended is not null then
      perform ledger.end_requests(v_ended, 'expired', null, p_caller);
    end if;
    for v_ca, v_ended in select c.code, array_agg(c.request_id) from unnest(rows) c where c.verdict = 'rejected' group by c.code loop
      perform ledger.end_requests(v_ended, 'rejected', v_ca, p_caller);
    end loop;
  end if;
end $$;

do $$ begin execute format('grant execute on function ledger.claim to %I', current_database() || '_signer'); end $$;
reset role;
