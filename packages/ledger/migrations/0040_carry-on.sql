do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- The receipts with something left to do that this process may carry on: its own and those that nobody holds. For 5 s.
create function registry.take_receipts(p_caller text, p_incarnation bigint) returns table (id uuid, verb text, state text, rate_per_s integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
#variable_conflict use_column
begin
  perform registry.check_lease(p_caller, p_incarnation);
  return query
    update registry.receipt r set worker = p_caller, lease_until = clock_timestamp() + interval '5 s'
    from (select t.id from registry.receipt t
          where t.state in ('moving', 'holding', 'undoing', 'running')
            and (t.lease_until < clock_timestamp() or t.worker = p_caller)
          order by t.id for update skip locked) m
    where r.id = m.id
    returning r.id, r.verb, r.state, r.rate_per_s;
end $$;

-- Behind the hold: the next 1,000 rows of the open work are looked at, and those that are queued and covered go to the
-- shelf. At the end of the first pass only what arrived in the last half minute is looked at again. A pause moves nothing.
create function registry.move_held(p_receipt registry.receipt, out moved integer, out state text)
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
    update registry.receipt r set state = 'ended', changed_at = clock_timestamp() where r.id = p_receipt.id returning r.state into state;
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
    at_id = case when v_looked < v_max then ledger.uuid_floor(clock_timestamp() - interval '30 s') else v_last end
  where r.id = p_receipt.id;
end $$;

-- Back from the shelf: the next 500. What another hold covers stays there, under that one's receipt.
create function registry.return_held(p_receipt registry.receipt, out moved integer, out state text)
language plpgsql set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_ids uuid[];
  v_last uuid;
begin
  v_ids := array(
    select l.request_id from (
      select s.request_id from ledger.shelf s where s.receipt = p_receipt.id and s.request_id > p_receipt.at_id order by s.request_id limit 500) l);
  v_last := v_ids[cardinality(v_ids)];
  v_ids := array(select s.request_id from ledger.shelf s where s.request_id = any(v_ids) and s.state = 'parked' order by s.request_id for update);
  update ledger.shelf s set receipt = o.hold
  from (select x.request_id, registry.held_by(x.request_id, x.class, x.account, x.ca, x.profile) as hold from ledger.shelf x where x.request_id = any(v_ids)) o
  where s.request_id = any(v_ids) and s.request_id = o.request_id and o.hold is not null;
  v_ids := array(select s.request_id from ledger.shelf s where s.request_id = any(v_ids) and s.receipt = p_receipt.id);
  moved := cardinality(v_ids);
  if moved > 0 then
    perform ledger.unshelve(v_ids, null, false, 'returned', p_receipt.operator, p_receipt.id);
  end if;
  state := case when v_last is null then 'undone' else p_receipt.state end;
  update registry.receipt r set returned = r.returned + return_held.moved, state = return_held.state, at_id = coalesce(v_last, r.at_id), changed_at = clock_timestamp()
  where r.id = p_receipt.id;
end $$;

-- Requests that came later than one that is to be resubmitted and are equal to it (account, profile, key and names): a
-- certificate supersedes it, and while the later one is on its way it was asked for again. Looks at 50,000 requests, and
-- the next time at what came since; ids are as old as their arrival, so the last 20 s are looked at once more. True at the end.
create function registry.find_superseded(p_receipt registry.receipt) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_ids uuid[] := array(select r.id from ledger.request r where r.id > p_receipt.looked_id order by r.id limit 50000);
  v_last uuid := v_ids[cardinality(v_ids)];
  v_all boolean := cardinality(v_ids) < 50000;
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
    looked_id = case when v_all then greatest(r.looked_id, least(v_last, ledger.uuid_floor(clock_timestamp() - interval '20 s'))) else v_last end
  where r.id = p_receipt.id;
  return v_all;
end $$;

-- The next of a resubmission, each checked again as the claim will: back to the queue in class `background` with a new
-- deadline, or left on the shelf and written down with the reason.
create function registry.resubmit_next(p_receipt registry.receipt, p_max integer, out moved integer, out state text)
language plpgsql set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_ids uuid[];
  v_last uuid;
  v_judged integer;
begin
  moved := 0;
  state := p_receipt.state;
  if not registry.find_superseded(p_receipt) then
    return;
  end if;
  v_ids := array(select i.request_id from registry.receipt_item i
    where i.receipt = p_receipt.id and i.request_id > p_receipt.at_id and i.result is null order by i.request_id limit p_max);
  if cardinality(v_ids) = 0 then
    update registry.receipt r set state = 'done', waits_for = null, changed_at = clock_timestamp() where r.id = p_receipt.id returning r.state into state;
    return;
  end if;
  v_judged := cardinality(v_ids);
  v_last := v_ids[v_judged];
  perform from ledger.shelf s where s.request_id = any(v_ids) order by s.request_id for update;
  update registry.receipt_item i set result = j.result
  from (select u.id, case
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
        left join registry.profile p on p.name = s.profile) j
  where i.receipt = p_receipt.id and i.request_id = any(v_ids) and i.request_id = j.id;
  v_ids := array(select i.request_id from registry.receipt_item i where i.receipt = p_receipt.id and i.request_id = any(v_ids) and i.result = 'resubmitted');
  moved := cardinality(v_ids);
  if moved > 0 then
    perform ledger.unshelve(v_ids, 'background', true, 'resubmitted', p_receipt.operator, p_receipt.id);
  end if;
  update registry.receipt r set moved = r.moved + resubmit_next.moved, waits_for = null, at_id = v_last, passed_over = r.passed_over + v_judged - resubmit_next.moved
  where r.id = p_receipt.id;
end $$;

-- One step of a receipt, by the process that took it; its lease begins anew. `p_max`: requests, of a resubmission; 0 with
-- a reason: it waits. `conflict` when another process has it. Crash before the commit: the step was not made.
create function registry.carry_on(p_caller text, p_incarnation bigint, p_receipt uuid, p_max integer, p_waits_for text, out moved integer, out state text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_receipt registry.receipt;
begin
  perform registry.check_lease(p_caller, p_incarnation);
  update registry.receipt r set lease_until = clock_timestamp() + interval '5 s', waits_for = p_waits_for
  where r.id = p_receipt and r.worker = p_caller and r.lease_until > clock_timestamp() returning r.* into v_receipt;
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

do $$
begin
  execute format('grant select on registry.receipt, registry.receipt_item to %I', current_database() || '_issuer_registry');
  execute format('grant execute on function registry.preview, registry.queue_groups, registry.hold_work, registry.undo_hold, registry.resubmit, registry.steer,
    registry.take_receipts, registry.carry_on to %I', current_database() || '_issuer_registry');
end $$;
reset role;
