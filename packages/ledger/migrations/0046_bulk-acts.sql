do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- When a resubmission last looked through the newest requests.
alter table registry.receipt add column looked_at timestamptz not null default '-infinity';

-- As in 0039, but: the CAs are locked for no longer than the hold takes to be written, since no claim takes their work
-- meanwhile; another hold counts as covering this one when it lasts for nine tenths of its time, so that an act asked for
-- twice is done once; and a pause, which moves nothing, does not stand in for a park.
create or replace function registry.hold_work(p_operator text, p_verb text, p_filter jsonb, p_for_s integer, p_arriving boolean, p_reason text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_hold registry.hold := registry.hold_of(p_filter);
  v_other registry.hold;
  v_matched integer;
begin
  if p_verb not in ('park', 'pause') or p_for_s not between 1 and 2592000 then
    raise exception '% for % s', p_verb, p_for_s using errcode = 'SLC01';
  end if;
  -- Acts of two operators at once: one after the other.
  perform pg_advisory_xact_lock(registry.lock_key('queue', ''));
  select h.* into v_other from registry.hold h join registry.receipt r on r.id = h.id and (r.verb = 'park' or p_verb = 'pause')
  where h.lifted_at is null and h.expires_at >= clock_timestamp() + 0.9 * make_interval(secs => p_for_s)
    and (h.ca is null or h.ca = v_hold.ca) and (h.profile is null or h.profile = v_hold.profile) and (h.account is null or h.account = v_hold.account)
    and (h.class is null or h.class = v_hold.class) and (h.key_group is null or h.key_group = v_hold.key_group)
    and (h.before_id is null or h.before_id >= v_hold.before_id) and (h.fraction is null or h.fraction >= v_hold.fraction)
  limit 1;
  if found then
    raise exception 'the hold of receipt % covers all of that already, until %', v_other.id, to_char(v_other.expires_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"')
      using errcode = 'SLC01';
  end if;
  select coalesce(sum(p.count), 0) into v_matched from registry.preview(p_filter, null) p where p.state = 'queued';
  if v_matched = 0 and not p_arriving then
    raise exception 'nothing that is queued matches' using errcode = 'SLC01';
  end if;
  perform registry.lock_for_hold(v_hold.ca);
  insert into registry.hold (ca, profile, account, class, key_group, fraction, before_id, reason, operator, expires_at)
  values (v_hold.ca, v_hold.profile, v_hold.account, v_hold.class, v_hold.key_group, v_hold.fraction, v_hold.before_id, p_reason, p_operator,
    clock_timestamp() + make_interval(secs => p_for_s))
  returning * into v_hold;
  insert into registry.receipt (id, verb, state, operator, reason, filter, matched)
  values (v_hold.id, p_verb, case p_verb when 'park' then 'moving' else 'holding' end, p_operator, p_reason, p_filter, v_matched);
  perform registry.note_act(p_operator, 'queue-' || p_verb, v_hold.id, p_reason, null, to_jsonb(v_hold));
  return v_hold.id;
end $$;

-- As in 0039, but the CAs are locked last: a hundred thousand requests take a second or two to be written down.
create or replace function registry.resubmit(p_operator text, p_filter jsonb, p_states text[], p_source uuid, p_rate_per_s integer, p_reason text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_hold registry.hold := registry.hold_of(p_filter);
  v_source registry.receipt;
  v_id uuid := gen_random_uuid();
  v_ids uuid[];
begin
  if p_rate_per_s not between 1 and 10000 or not p_states <@ array['parked', 'failed'] then
    raise exception 'resubmit % at % a second', p_states, p_rate_per_s using errcode = 'SLC01';
  end if;
  perform pg_advisory_xact_lock(registry.lock_key('queue', ''));
  if p_source is not null then
    select r.* into v_source from registry.receipt r where r.id = p_source for update;
    if not found then
      raise exception 'no receipt %', p_source using errcode = 'SLN01';
    end if;
    if v_source.verb = 'resubmit' or v_source.state in ('undoing', 'undone') then
      raise exception 'the % of receipt % is % and left nothing to resubmit', v_source.verb, p_source, v_source.state using errcode = 'SLC01';
    end if;
  end if;
  v_ids := array(
    select s.request_id from ledger.shelf s
    where s.state = any(p_states) and (p_source is null or s.receipt = p_source)
      and registry.covers(v_hold, s.request_id, s.class, s.key_group, s.account, s.ca, s.profile)
      and not exists (select from registry.receipt_item i join registry.receipt t on t.id = i.receipt
        where i.request_id = s.request_id and i.result is null and t.state in ('running', 'paused'))
    order by s.request_id);
  if cardinality(v_ids) = 0 then
    raise exception 'nothing on the shelf matches that no other resubmission is about to take' using errcode = 'SLC01';
  end if;
  insert into registry.receipt (id, verb, state, operator, reason, filter, matched, source, rate_per_s, looked_id)
  values (v_id, 'resubmit', 'running', p_operator, p_reason, p_filter || jsonb_build_object('states', p_states), cardinality(v_ids), p_source, p_rate_per_s,
    v_ids[1]);
  insert into registry.receipt_item (receipt, request_id) select v_id, i.id from unnest(v_ids) i (id);
  perform registry.note_act(p_operator, 'queue-resubmit', v_id, p_reason, to_jsonb(v_source),
    jsonb_build_object('filter', p_filter, 'states', p_states, 'source', p_source, 'rate_per_s', p_rate_per_s, 'matched', cardinality(v_ids)));
  if p_source is not null and v_source.state <> 'released' then
    perform registry.lock_for_hold((select h.ca from registry.hold h where h.id = p_source));
    update registry.hold h set lifted_at = clock_timestamp() where h.id = p_source and h.lifted_at is null;
    update registry.receipt r set state = 'released', changed_at = clock_timestamp() where r.id = p_source;
  end if;
  return v_id;
end $$;

-- As in 0040, but what a pause shelved comes back when its time is over: nobody was to wait for longer than that.
create or replace function registry.move_held(p_receipt registry.receipt, out moved integer, out state text)
language plpgsql set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_hold registry.hold;
  v_ids uuid[];
  v_max integer := case p_receipt.state when 'moving' then 1000 else 5000 end;
  v_looked integer;
  v_last uuid;
begin
  moved := 0;
  state := p_receipt.state;
  select h.* into v_hold from registry.hold h where h.id = p_receipt.id;
  if v_hold.expires_at <= clock_timestamp() then
    update registry.receipt r set state = case p_receipt.verb when 'pause' then 'undoing' else 'ended' end, at_id = default, changed_at = clock_timestamp()
    where r.id = p_receipt.id returning r.state into state;
    return;
  end if;
  if p_receipt.verb = 'pause' then
    return;
  end if;
  select count(*), (array_agg(w.request_id order by w.request_id desc))[1],
    array_agg(w.request_id order by w.request_id) filter (
      where w.state = 'queued' and registry.covers(v_hold, w.request_id, w.class, w.key_group, w.account, w.ca, w.profile))
  into v_looked, v_last, v_ids
  from (select x.* from ledger.work x where x.request_id > p_receipt.at_id order by x.request_id limit v_max) w;
  if v_ids is not null then
    select array_agg(l.request_id) into v_ids from (
      select w.request_id from ledger.work w where w.request_id = any(v_ids) and w.state || '' = 'queued' order by w.request_id for update) l;
  end if;
  if v_ids is not null then
    perform ledger.shelve(v_ids, 'parked', 'held', p_receipt.operator, p_receipt.id);
    moved := cardinality(v_ids);
  end if;
  state := case when v_looked < v_max then 'holding' else state end;
  update registry.receipt r set moved = r.moved + move_held.moved, state = move_held.state,
    changed_at = case when r.state <> move_held.state then clock_timestamp() else r.changed_at end,
    at_id = case when v_looked < v_max then ledger.uuid_floor(clock_timestamp() - interval '30 s') else v_last end
  where r.id = p_receipt.id;
end $$;

-- As in 0040, in smaller steps, and it says when it has seen everything.
create or replace function registry.find_superseded(p_receipt registry.receipt) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_ids uuid[] := array(select r.id from ledger.request r where r.id > p_receipt.looked_id order by r.id limit 20000);
  v_last uuid := v_ids[cardinality(v_ids)];
  v_all boolean := cardinality(v_ids) < 20000;
  v_found integer;
begin
  update registry.receipt_item i set result = f.result
  from (select s.request_id, max(case when o.state = 'issued' then 'superseded' else 'asked-again' end collate "C") as result
        from ledger.request r
        cross join lateral (select x.request_id from ledger.shelf x where x.fingerprint = r.fingerprint and x.request_id < r.id offset 0) s
        left join lateral (select x.state from ledger.outcome x where x.request_id = r.id offset 0) o on true
        where r.id > p_receipt.looked_id and r.id <= v_last and (o.state is null or o.state = 'issued')
        group by 1) f
  where i.receipt = p_receipt.id and i.request_id = f.request_id and i.result is null;
  get diagnostics v_found = row_count;
  update registry.receipt r set passed_over = r.passed_over + v_found,
    looked_at = case when v_all then clock_timestamp() else r.looked_at end,
    looked_id = case when v_all then greatest(r.looked_id, least(v_last, ledger.uuid_floor(clock_timestamp() - interval '20 s'))) else v_last end
  where r.id = p_receipt.id;
  return v_all;
end $$;

-- As in 0040, but: newer requests are looked for once a second, not in each step; and so many are judged that `p_max` of
-- them may come back, so that what is passed over costs none of the pace.
create or replace function registry.resubmit_next(p_receipt registry.receipt, p_max integer, out moved integer, out state text)
language plpgsql set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_ids uuid[];
  v_judged uuid[];
begin
  moved := 0;
  state := p_receipt.state;
  if p_receipt.looked_at < clock_timestamp() - interval '1 s' and not registry.find_superseded(p_receipt) then
    return;
  end if;
  v_ids := array(select i.request_id from registry.receipt_item i
    where i.receipt = p_receipt.id and i.request_id > p_receipt.at_id and i.result is null order by i.request_id limit least(1000, 4 * p_max));
  if cardinality(v_ids) = 0 then
    update registry.receipt r set state = 'done', waits_for = null, changed_at = clock_timestamp() where r.id = p_receipt.id returning r.state into state;
    return;
  end if;
  perform from ledger.shelf s where s.request_id = any(v_ids) order by s.request_id for update;
  with judged as (
    select u.id, case
        when s.request_id is null then 'left-shelf'
        when s.burned >= 5 then 'serials-used-up'
        when c.quarantined then 'quarantined'
        when registry.held_by(s.request_id, 'background', s.account, s.ca, s.profile) is not null then 'held'
        when r.purpose = 'subscriber' and a.state is null then 'forbidden'
        when r.purpose = 'subscriber' and a.state <> 'enabled' then 'account-disabled'
        when s.profile is not null and (p.name is null or p.ca <> s.ca) then 'profile-unknown'
        when r.purpose = 'subscriber' and not exists (select from registry.account_profile ap where ap.account = s.account and ap.profile = s.profile) then 'profile-unknown'
        when s.profile is not null and p.state <> 'enabled' then 'profile-disabled'
        when exists (select from registry.blocked_key b where b.spki_sha256 = sha256(r.spki)) then 'key-blocked'
        else coalesce(registry.refusal(c.state, r.purpose, r.subject_ca = r.ca), 'resubmitted')
      end as result
    from unnest(v_ids) u (id)
    left join lateral (select x.* from ledger.shelf x where x.request_id = u.id offset 0) s on true
    left join lateral (select x.purpose, x.subject_ca, x.ca, x.spki from ledger.request x where x.id = u.id offset 0) r on true
    left join registry.ca c on c.name = s.ca
    left join registry.account a on a.name = s.account
    left join registry.profile p on p.name = s.profile
  ), counted as (
    select j.id, j.result, count(*) filter (where j.result = 'resubmitted') over (order by j.id) as sound from judged j
  ), written as (
    update registry.receipt_item i set result = j.result from counted j
    where i.receipt = p_receipt.id and i.request_id = j.id and j.sound <= p_max
    returning i.request_id as id, i.result
  )
  select array_agg(w.id order by w.id), coalesce(array_agg(w.id order by w.id) filter (where w.result = 'resubmitted'), '{}')
  into v_judged, v_ids from written w;
  moved := cardinality(v_ids);
  if moved > 0 then
    perform ledger.unshelve(v_ids, 'background', true, 'resubmitted', p_receipt.operator, p_receipt.id);
  end if;
  update registry.receipt r set moved = r.moved + resubmit_next.moved, waits_for = null, at_id = v_judged[cardinality(v_judged)],
    passed_over = r.passed_over + cardinality(v_judged) - resubmit_next.moved
  where r.id = p_receipt.id;
end $$;

-- As in 0040, but who took a receipt has it until another takes it: one whose lease ran out while it made the steps of a
-- longer one goes on.
create or replace function registry.carry_on(p_caller text, p_incarnation bigint, p_receipt uuid, p_max integer, p_waits_for text, out moved integer, out state text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_receipt registry.receipt;
begin
  perform registry.check_lease(p_caller, p_incarnation);
  update registry.receipt r set lease_until = clock_timestamp() + interval '5 s', waits_for = p_waits_for
  where r.id = p_receipt and r.worker = p_caller returning r.* into v_receipt;
  if not found then
    raise exception 'receipt % is carried on by another process', p_receipt using errcode = 'SLC01';
  end if;
  moved := 0;
  state := v_receipt.state;
  if state in ('moving', 'holding') then
    select m.moved, m.state into moved, state from registry.move_held(v_receipt) m;
  elsif state = 'undoing' then
    select m.moved, m.state into moved, state from registry.return_held(v_receipt) m;
  elsif state = 'running' and p_max > 0 then
    select m.moved, m.state into moved, state from registry.resubmit_next(v_receipt, least(p_max, 1000)) m;
  end if;
end $$;

-- As in 0041, and whoever is not known as an approver is none.
create or replace function registry.propose(p_operator text, p_verb text, p_subject text, p_basis bigint, p_reason text, out proposal bigint, out proposed_by text, out expires_at timestamptz)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  select o.id, o.proposed_by, o.expires_at into proposal, proposed_by, expires_at from registry.proposal o
  where o.verb = p_verb and o.subject = p_subject and o.basis = p_basis and o.approved_by is null and o.expires_at > clock_timestamp()
  order by o.id limit 1;
  if not found then
    insert into registry.proposal as o (verb, subject, basis, reason, proposed_by) values (p_verb, p_subject, p_basis, p_reason, p_operator)
    returning o.proposed_by, o.expires_at into proposed_by, expires_at;
  elsif proposed_by = p_operator then
    raise exception '% of % was proposed by % already: it waits for another operator until %', p_verb, p_subject, proposed_by, to_char(expires_at at time zone 'UTC', 'HH24:MI:SS"Z"') using errcode = 'SLC01';
  elsif not exists (select from registry.operator r where r.name = p_operator and r.role = 'approver') then
    raise exception '% of % was proposed by %: only an approver can be the second', p_verb, p_subject, proposed_by using errcode = 'SLX01';
  end if;
end $$;

reset role;
