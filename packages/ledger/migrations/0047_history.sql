do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- Which registry this is, and how far a restore was admitted. Subscribers keep the id with their state: another
-- registry's state is never applied. A backup has the id of what it was made of; what tells the two apart is the digest
-- under the epoch that a subscriber has.
create table registry.history (
  one boolean primary key default true check (one),
  id uuid not null default gen_random_uuid(),
  -- Two operators said: what was applied below this epoch and is not in here was lost. 0: nothing was.
  restored_epoch bigint not null default 0
);
insert into registry.history default values;
create trigger undeletable before delete or truncate on registry.history for each statement execute function ledger.refuse_change();

create function registry.guard_history() returns trigger language plpgsql as $$
begin
  raise exception 'registry %: its id never changes, and what was admitted stays so', old.id using errcode = 'SLT01';
end $$;
create trigger guard before update on registry.history for each row when (
  new.id <> old.id or new.restored_epoch < old.restored_epoch) execute function registry.guard_history();

-- An older state was put back, and people have made good what was lost: the epoch goes past every one that was applied,
-- as far as the ledger has heard and as the operators name it. By two. Again with a higher epoch when one was forgotten.
create function registry.admit_restore(p_operator text, p_past bigint, p_reason text) returns registry.decided
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
  v_before bigint;
  v_epoch bigint;
  v_proposal bigint;
  v_proposed_by text;
  v_expires_at timestamptz;
begin
  -- Alone, as whoever makes a change: the proposal is about the registry as it is.
  select e.epoch into v_before from registry.epoch e for no key update;
  select p.proposal, p.proposed_by, p.expires_at into v_proposal, v_proposed_by, v_expires_at
  from registry.propose(p_operator, 'registry-restored', p_past::text, v_before, p_reason) p;
  if v_proposal is null then
    return (v_before, 'proposed', v_proposed_by, v_expires_at)::registry.decided;
  end if;
  update registry.epoch e set epoch = greatest(v_before, p_past, registry.heard_epoch());
  v_epoch := registry.record_change(p_operator, 'registry-restored', 'registry', p_reason, jsonb_build_object('epoch', v_before),
    jsonb_build_object('past', p_past, 'proposed_by', v_proposed_by, 'proposal', v_proposal));
  perform registry.approve(v_proposal, p_operator, v_epoch);
  update registry.history h set restored_epoch = v_epoch;
  return (v_epoch, 'done', v_proposed_by, null)::registry.decided;
end $$;

-- The highest epoch that anybody said to have applied, to the ledger as it is now.
create function registry.heard_epoch() returns bigint language sql stable set search_path = pg_catalog, pg_temp as $$
  select greatest((select c.epoch from registry.confirmed c), (select max(greatest(s.applied_epoch, s.acknowledged_epoch, s.refused_epoch)) from registry.subscriber s))
$$;

drop function registry.open_stream(text, bigint, bytea);

-- A stream begins, in place of an older one. Told: which registry this is, up to where a restore was admitted, and what
-- the epoch that the subscriber has was sealed with here; null when it never was.
create function registry.open_stream(p_name text, p_incarnation bigint, p_nonce bytea, p_held_epoch bigint)
returns table (history uuid, restored_epoch bigint, sealed bytea)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
begin
  update registry.subscriber s set stream_nonce = p_nonce where s.name = p_name and s.incarnation = p_incarnation and not s.fenced;
  if not found then
    raise exception 'subscriber % incarnation % holds no lease', p_name, p_incarnation using errcode = 'SLF01';
  end if;
  return query select h.id, h.restored_epoch, (select v.digest from registry.version v where v.epoch = p_held_epoch) from registry.history h;
end $$;

-- As in 0021, and never without the stream's nonce.
create or replace function registry.acknowledge(p_names text[], p_incarnations bigint[], p_epochs bigint[], p_nonces bytea[]) returns table (ordinal integer, verdict text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
begin
  perform from registry.subscriber s where s.name = any(p_names) order by s.name for no key update;
  return query
  with said as materialized (
    select u.*, s.name is not null and v.epoch is not null as holds
    from unnest(p_names, p_incarnations, p_epochs, p_nonces) with ordinality u (name, incarnation, epoch, nonce, place)
    left join registry.subscriber s on s.name = u.name and s.incarnation = u.incarnation and not s.fenced and s.stream_nonce = u.nonce
    left join registry.version v on v.epoch = u.epoch
  ), kept as (
    update registry.subscriber s
      set heard_at = clock_timestamp(), acknowledged_epoch = greatest(s.acknowledged_epoch, k.epoch), applied_epoch = greatest(s.applied_epoch, k.epoch),
          acknowledged_at = case when k.epoch > s.acknowledged_epoch then clock_timestamp() else s.acknowledged_at end
      from (select d.name, max(d.epoch) as epoch from said d where d.holds group by d.name) k
      where s.name = k.name
  )
  select d.place::integer, case when d.holds then 'acknowledged' else 'conflict' end from said d;
end $$;

-- As in 0032; and whoever is ahead of a registry that was put back has proved nothing of what that registry is now, also
-- when the row that was put back with it says so.
create or replace function registry.refuse(p_name text, p_incarnation bigint, p_epoch bigint, p_code text, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
begin
  if p_epoch > (select max(v.epoch) from registry.version v) then
    raise exception 'epoch % is none yet', p_epoch using errcode = 'SLC01';
  end if;
  update registry.subscriber s
    set heard_at = clock_timestamp(), refused_epoch = p_epoch, refused_code = left(p_code, 64), refused_reason = left(p_reason, 500),
        acknowledged_epoch = case when p_code = 'epoch-rolled-back' then 0 else s.acknowledged_epoch end,
        acknowledged_at = case when p_code = 'epoch-rolled-back' then null else s.acknowledged_at end
    where s.name = p_name and s.incarnation = p_incarnation and not s.fenced;
  if not found then
    raise exception 'subscriber % incarnation % holds no lease', p_name, p_incarnation using errcode = 'SLC01';
  end if;
end $$;

do $$
declare
  v_role text := current_database() || '_issuer_registry';
begin
  execute format('grant select on registry.history to %I', v_role);
  execute format('grant execute on function registry.admit_restore, registry.open_stream, registry.heard_epoch to %I', v_role);
end $$;
reset role;
