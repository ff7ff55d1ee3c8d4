do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- What operators do to many requests at once. The act is one commit: the hold is in force, or what is to be resubmitted
-- is written down. What follows from it goes in small steps by whichever registry process has the receipt's lease; each
-- step is one commit with the mark of how far it is, so a death between two of them costs the lease's time, and nothing
-- is done twice.
create table registry.receipt (
  -- Of a park and a pause: also the id of its hold.
  id uuid primary key default gen_random_uuid(),
  verb text not null check (verb in ('park', 'pause', 'resubmit')),
  -- moving: what the hold covers goes to the shelf · holding: and so does what arrives · undoing: all of it comes back ·
  -- running, paused: a resubmission
  state text not null check (state in ('moving', 'holding', 'undoing', 'undone', 'ended', 'released', 'running', 'paused', 'stopped', 'done')),
  operator text not null,
  reason text not null,
  filter jsonb not null,
  made_at timestamptz not null default clock_timestamp(),
  -- Counted with the act.
  matched integer not null,
  moved integer not null default 0,
  passed_over integer not null default 0,
  returned integer not null default 0,
  -- Of a resubmission: the park whose rows it brings back, its pace, and why it does nothing now, if so.
  source uuid references registry.receipt (id),
  rate_per_s integer,
  waits_for text,
  -- How far it is; for a resubmission also how far requests were looked through for newer ones.
  at_id uuid not null default '00000000-0000-0000-0000-000000000000',
  looked_id uuid not null default '00000000-0000-0000-0000-000000000000',
  worker text,
  lease_until timestamptz not null default '-infinity',
  changed_at timestamptz not null default clock_timestamp(),
  check ((verb = 'resubmit') = (rate_per_s is not null)),
  check (state not in ('running', 'paused', 'stopped', 'done') or verb = 'resubmit')
);
create index receipt_open on registry.receipt (made_at) where state in ('moving', 'holding', 'undoing', 'running');

-- Each request of a resubmission, and what became of it: null while it is to come, `resubmitted`, or why it was passed over.
create table registry.receipt_item (
  receipt uuid not null references registry.receipt (id),
  request_id uuid not null,
  result text,
  primary key (receipt, request_id)
);
create index receipt_item_open on registry.receipt_item (request_id) where result is null;

create index shelf_receipt on ledger.shelf (receipt, request_id) where receipt is not null;
create index shelf_fingerprint on ledger.shelf (fingerprint);

create function registry.guard_receipt() returns trigger language plpgsql as $$
begin
  raise exception 'receipt %: no way from % to %', old.id, old.state, new.state using errcode = 'SLT01';
end $$;
create trigger guard_update before update on registry.receipt for each row when (
  (new.id, new.verb, new.operator, new.reason, new.filter, new.made_at, new.matched) is distinct from (old.id, old.verb, old.operator, old.reason, old.filter, old.made_at, old.matched)
  or new.moved < old.moved or new.passed_over < old.passed_over or new.returned < old.returned
  or (new.state <> old.state and (old.state, new.state) not in (
    ('moving', 'holding'), ('moving', 'undoing'), ('moving', 'ended'), ('moving', 'released'),
    ('holding', 'undoing'), ('holding', 'ended'), ('holding', 'released'), ('ended', 'undoing'), ('ended', 'released'), ('undoing', 'undone'),
    ('running', 'paused'), ('paused', 'running'), ('running', 'stopped'), ('paused', 'stopped'), ('running', 'done'))))
  execute function registry.guard_receipt();
create trigger undeletable before delete or truncate on registry.receipt for each statement execute function ledger.refuse_change();
create trigger undeletable before delete or truncate on registry.receipt_item for each statement execute function ledger.refuse_change();
create function registry.guard_receipt_item() returns trigger language plpgsql as $$
begin
  raise exception 'receipt %, request %: it was % already', old.receipt, old.request_id, old.result using errcode = 'SLT01';
end $$;
create trigger guard_update before update on registry.receipt_item for each row when (old.result is not null) execute function registry.guard_receipt_item();

-- The hold that a filter describes: {ca, profile, account, class, key_group, fraction, older_than_s}. Refuses names that
-- there are not.
create function registry.hold_of(p_filter jsonb) returns registry.hold
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_hold registry.hold := jsonb_populate_record(null::registry.hold, p_filter - 'id');
begin
  if p_filter ? 'older_than_s' then
    v_hold.before_id := ledger.uuid_floor(clock_timestamp() - make_interval(secs => (p_filter ->> 'older_than_s')::double precision));
  end if;
  if not v_hold.fraction between 1e-9 and 1 then
    raise exception 'a fraction of %: above 0, at most 1', v_hold.fraction using errcode = 'SLC01';
  end if;
  if v_hold.ca is not null and not exists (select from registry.ca c where c.name = v_hold.ca) then
    raise exception 'no CA named %', v_hold.ca using errcode = 'SLN01';
  end if;
  if v_hold.profile is not null and not exists (select from registry.profile p where p.name = v_hold.profile) then
    raise exception 'no profile named %', v_hold.profile using errcode = 'SLN01';
  end if;
  if v_hold.account is not null and not exists (select from registry.account a where a.name = v_hold.account) then
    raise exception 'no account named %', v_hold.account using errcode = 'SLN01';
  end if;
  return v_hold;
end $$;

-- What a filter matches now, by state and class. `waiting`: of these, how many somebody may be waiting for on a connection.
create function registry.preview(p_filter jsonb, p_source uuid) returns table (state text, class text, count bigint, oldest timestamptz, waiting bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  v_hold registry.hold := registry.hold_of(p_filter);
begin
  return query
    select w.state, w.class, count(*), min(w.accepted_at), count(*) filter (where w.class = 'interactive' and w.state = 'queued' and w.deadline > clock_timestamp())
    from ledger.work w where p_source is null and registry.covers(v_hold, w.request_id, w.class, w.key_group, w.account, w.ca, w.profile)
    group by 1, 2
    union all
    select s.state, s.class, count(*), min(s.accepted_at), 0 from ledger.shelf s
    where (p_source is null or s.receipt = p_source) and registry.covers(v_hold, s.request_id, s.class, s.key_group, s.account, s.ca, s.profile)
    group by 1, 2;
end $$;

-- The largest groups of what is open or on the shelf. Reads all of it.
create function registry.queue_groups(p_filter jsonb, p_max integer)
returns table (state text, class text, key_group text, account text, ca text, profile text, code text, count bigint, oldest timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  v_hold registry.hold := registry.hold_of(p_filter);
begin
  return query
    select g.* from (
      select w.state, w.class, w.key_group, w.account, w.ca, w.profile, null as code, count(*) as count, min(w.accepted_at) as oldest
      from ledger.work w where registry.covers(v_hold, w.request_id, w.class, w.key_group, w.account, w.ca, w.profile) group by 1, 2, 3, 4, 5, 6
      union all
      select s.state, s.class, s.key_group, s.account, s.ca, s.profile, s.code, count(*), min(s.accepted_at)
      from ledger.shelf s where registry.covers(v_hold, s.request_id, s.class, s.key_group, s.account, s.ca, s.profile) group by 1, 2, 3, 4, 5, 6, 7) g
    order by g.count desc, g.oldest limit p_max;
end $$;

-- As every verb that changes what a claim reads: the CAs that it is about, alone, in order, in statements of their own.
-- So no claim that starts after it goes by what was before. The claims only try these locks, and pass over the CA.
create function registry.lock_for_hold(p_ca text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_ca text;
begin
  -- Acts of two operators at once: one after the other.
  perform pg_advisory_xact_lock(registry.lock_key('queue', ''));
  for v_ca in select c.name from registry.ca c where p_ca is null or c.name = p_ca order by 1 loop
    perform pg_advisory_xact_lock(registry.lock_key('ca', v_ca));
  end loop;
end $$;

create function registry.note_act(p_operator text, p_kind text, p_receipt uuid, p_reason text, p_before jsonb, p_after jsonb) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  insert into registry.deed (operator, kind, subject, reason, detail)
  values (p_operator, p_kind, p_receipt::text, p_reason, jsonb_build_object('before', p_before, 'after', p_after))
$$;

-- A hold, in force for every claim that starts after it, and its receipt. `pause` holds a lane and moves nothing; what
-- would expire meanwhile is shelved all the same.
-- Crash after it: it holds, and another registry process moves what it covers.
create function registry.hold_work(p_operator text, p_verb text, p_filter jsonb, p_for_s integer, p_arriving boolean, p_reason text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_hold registry.hold := registry.hold_of(p_filter);
  v_other uuid;
  v_matched integer;
begin
  if p_verb not in ('park', 'pause') or p_for_s not between 1 and 2592000 then
    raise exception '% for % s', p_verb, p_for_s using errcode = 'SLC01';
  end if;
  perform registry.lock_for_hold(v_hold.ca);
  select h.id into v_other from registry.hold h
  where h.lifted_at is null and h.expires_at >= clock_timestamp() + make_interval(secs => p_for_s)
    and (h.ca is null or h.ca = v_hold.ca) and (h.profile is null or h.profile = v_hold.profile) and (h.account is null or h.account = v_hold.account)
    and (h.class is null or h.class = v_hold.class) and (h.key_group is null or h.key_group = v_hold.key_group)
    and (h.before_id is null or h.before_id >= v_hold.before_id) and (h.fraction is null or h.fraction >= v_hold.fraction)
  limit 1;
  if found then
    raise exception 'the hold of receipt % covers all of that already, and for longer', v_other using errcode = 'SLC01';
  end if;
  select coalesce(sum(p.count), 0) into v_matched from registry.preview(p_filter, null) p where p.state = 'queued';
  if v_matched = 0 and not p_arriving then
    raise exception 'nothing that is queued matches' using errcode = 'SLC01';
  end if;
  insert into registry.hold (ca, profile, account, class, key_group, fraction, before_id, reason, operator, expires_at)
  values (v_hold.ca, v_hold.profile, v_hold.account, v_hold.class, v_hold.key_group, v_hold.fraction, v_hold.before_id, p_reason, p_operator,
    clock_timestamp() + make_interval(secs => p_for_s))
  returning * into v_hold;
  insert into registry.receipt (id, verb, state, operator, reason, filter, matched)
  values (v_hold.id, p_verb, case p_verb when 'park' then 'moving' else 'holding' end, p_operator, p_reason, p_filter, v_matched);
  perform registry.note_act(p_operator, 'queue-' || p_verb, v_hold.id, p_reason, null, to_jsonb(v_hold));
  return v_hold.id;
end $$;

-- Lifts the hold, and what went to the shelf because of it comes back. Also when the hold has run out by itself.
create function registry.undo_hold(p_operator text, p_receipt uuid, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_receipt registry.receipt;
begin
  perform registry.lock_for_hold((select h.ca from registry.hold h where h.id = p_receipt));
  select r.* into v_receipt from registry.receipt r where r.id = p_receipt for update;
  if not found then
    raise exception 'no receipt %', p_receipt using errcode = 'SLN01';
  end if;
  if v_receipt.state not in ('moving', 'holding', 'ended') then
    raise exception 'the % of receipt % is % and cannot be undone', v_receipt.verb, p_receipt, v_receipt.state using errcode = 'SLC01';
  end if;
  update registry.hold h set lifted_at = clock_timestamp() where h.id = p_receipt and h.lifted_at is null;
  update registry.receipt r set state = 'undoing', at_id = default, lease_until = '-infinity', changed_at = clock_timestamp() where r.id = p_receipt;
  perform registry.note_act(p_operator, 'queue-undo', p_receipt, p_reason, jsonb_build_object('state', v_receipt.state), jsonb_build_object('state', 'undoing'));
end $$;

-- Writes down what is to be resubmitted: of a park, whose hold ends with it, or what matches on the shelf. What another
-- resubmission is about to take is not taken twice.
create function registry.resubmit(p_operator text, p_filter jsonb, p_states text[], p_source uuid, p_rate_per_s integer, p_reason text) returns uuid
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
  perform registry.lock_for_hold(case when p_source is null then '' else (select h.ca from registry.hold h where h.id = p_source) end);
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
  if p_source is not null and v_source.state <> 'released' then
    update registry.hold h set lifted_at = clock_timestamp() where h.id = p_source and h.lifted_at is null;
    update registry.receipt r set state = 'released', changed_at = clock_timestamp() where r.id = p_source;
  end if;
  insert into registry.receipt (id, verb, state, operator, reason, filter, matched, source, rate_per_s, looked_id)
  values (v_id, 'resubmit', 'running', p_operator, p_reason, p_filter || jsonb_build_object('states', p_states), cardinality(v_ids), p_source, p_rate_per_s,
    v_ids[1]);
  insert into registry.receipt_item (receipt, request_id) select v_id, i.id from unnest(v_ids) i (id);
  perform registry.note_act(p_operator, 'queue-resubmit', v_id, p_reason, to_jsonb(v_source),
    jsonb_build_object('filter', p_filter, 'states', p_states, 'source', p_source, 'rate_per_s', p_rate_per_s, 'matched', cardinality(v_ids)));
  return v_id;
end $$;

-- A resubmission rests, goes on, or ends where it is; what it did not come to stays on the shelf.
create function registry.steer(p_operator text, p_receipt uuid, p_to text, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_receipt registry.receipt;
begin
  select r.* into v_receipt from registry.receipt r where r.id = p_receipt for update;
  if not found then
    raise exception 'no receipt %', p_receipt using errcode = 'SLN01';
  end if;
  if (v_receipt.state, p_to) not in (('running', 'paused'), ('paused', 'running'), ('running', 'stopped'), ('paused', 'stopped')) then
    raise exception 'the % of receipt % is %: not to be %', v_receipt.verb, p_receipt, v_receipt.state, p_to using errcode = 'SLC01';
  end if;
  update registry.receipt r set state = p_to, waits_for = null, changed_at = clock_timestamp() where r.id = p_receipt;
  perform registry.note_act(p_operator, 'queue-' || case p_to when 'paused' then 'pause' when 'running' then 'resume' else 'stop' end, p_receipt, p_reason,
    jsonb_build_object('state', v_receipt.state), jsonb_build_object('state', p_to));
end $$;

reset role;
