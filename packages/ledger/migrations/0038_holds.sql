do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- A hold may be on a lane (class and key group) and on what arrived before an id: ids begin with their time.
alter table registry.hold add column key_group text, add column before_id uuid;
-- Came back from the shelf then: it waits since, whenever it was accepted.
alter table ledger.work add column returned_at timestamptz;
create index hold_in_force on registry.hold (expires_at) where lifted_at is null;

-- In the order of the declarations, and without settings of their own, so that they become part of what calls them.
-- 0 to 1, the same for a request at any time: thirds of a queue are thirds of it an hour later, too.
create function registry.fraction_of(p_request uuid) returns double precision language sql immutable parallel safe as $$
  select ('x' || substr(md5(p_request::text), 1, 8))::bit(32)::bigint::double precision / 4294967296
$$;
create function registry.covers(h registry.hold, p_request uuid, p_class text, p_key_group text, p_account text, p_ca text, p_profile text) returns boolean
language sql immutable parallel safe as $$
  select (h.ca is null or h.ca = p_ca) and (h.profile is null or h.profile = p_profile) and (h.account is null or h.account = p_account)
    and (h.class is null or h.class = p_class) and (h.key_group is null or h.key_group = p_key_group)
    and (h.before_id is null or p_request < h.before_id) and (h.fraction is null or registry.fraction_of(p_request) < h.fraction)
$$;

-- The hold that keeps this request back, if any: the oldest of several. Lifted and expired ones keep nothing.
create or replace function registry.held_by(p_request uuid, p_class text, p_account text, p_ca text, p_profile text) returns uuid
language sql stable set search_path = pg_catalog, pg_temp as $$
  select h.id from registry.hold h left join registry.ca c on c.name = p_ca
  where h.lifted_at is null and h.expires_at > clock_timestamp() and registry.covers(h, p_request, p_class, c.key_group, p_account, p_ca, p_profile)
  order by h.created_at, h.id limit 1
$$;

-- (a) Candidates by policy, as in 0030. A flow that a hold covers altogether is passed over. Of a flow that is held in part
-- (by profile, fraction or age) a bounded number of rows is looked at, so that the claim costs O(n) while those that are
-- held still lie before the others; the registry moves them to the shelf within seconds. Of a short queue the flows are read off its rows, of a long one by a jump from
-- flow to flow. What is overdue or dead lies before the range of either; and in a large table also what lies before the
-- head found last. What came to lie before that since (queued again, or with a shorter time to live) is found by a look
-- at all, which follows so seldom that it takes about a tenth of the time, and at most 10 s later. The head is kept in
-- the session: a hint, which may be lost.
create or replace function ledger.candidates(p_class text, p_key_group text, p_max integer, p_compiler text, p_cursor_account text, p_cursor_ca text, p_token text, p_skip_cas text[],
  out ids uuid[], out next_account text, out next_ca text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_from timestamptz := v_now;
  v_heads jsonb := coalesce(nullif(current_setting('sluice.heads', true), ''), '{}');
  v_lane text := p_class || '.' || p_key_group;
  v_next_look timestamptz := (v_heads #>> array[v_lane, 'next_look'])::timestamptz;
  v_head timestamptz;
  v_short_queue boolean;
  v_flows jsonb;
  v_account text := coalesce(p_cursor_account, '');
  v_ca text := coalesce(p_cursor_ca, '');
  v_wrapped boolean := p_cursor_account is null;
  v_accounts text[] := '{}';
  v_cas text[] := '{}';
  v_quota integer;
  v_full boolean;
  v_holds registry.hold[];
  v_partial boolean;
  v_looks integer;
  v_without_template text[];
begin
  if v_next_look between v_now and v_now + interval '10 s' then
    v_from := greatest(v_now, (v_heads #>> array[v_lane, 'head'])::timestamptz);
  end if;
  v_holds := array(select h from registry.hold h where h.lifted_at is null and h.expires_at > v_now
    and (h.class is null or h.class = p_class) and (h.key_group is null or h.key_group = p_key_group));
  select count(*) <= 100, jsonb_agg(distinct jsonb_build_array(q.account, q.ca)) into v_short_queue, v_flows
  from (select w.account, w.ca from ledger.work w
        where w.class = p_class and w.key_group = p_key_group and w.state = 'queued' and w.deadline > v_from
        order by w.deadline limit 101) q;
  -- From flow to flow, each by one probe, however many rows a flow has.
  while cardinality(v_accounts) < p_max loop
    if v_short_queue then
      select f ->> 0, f ->> 1 into v_account, v_ca from jsonb_array_elements(v_flows) f
      where (f ->> 0, f ->> 1) > (v_account, v_ca) order by f ->> 0, f ->> 1 limit 1;
    else
      select w.account, w.ca into v_account, v_ca from ledger.work w
      where w.class = p_class and w.key_group = p_key_group and w.state = 'queued' and (w.account, w.ca) > (v_account, v_ca) and w.deadline > v_from
      order by w.account, w.ca limit 1;
    end if;
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
       and not exists (select from unnest(v_holds) h where h.profile is null and h.fraction is null and h.before_id is null
         and (h.ca is null or h.ca = v_ca) and (h.account is null or h.account = v_account)) then
      v_accounts := v_accounts || v_account;
      v_cas := v_cas || v_ca;
    end if;
  end loop;
  if v_from = v_now then
    v_next_look := v_now + least(interval '10 s', 20 * (clock_timestamp() - v_now));
  end if;
  if cardinality(v_accounts) = 0 then
    if v_heads ? v_lane then
      perform set_config('sluice.heads', jsonb_set(v_heads, array[v_lane, 'next_look'], to_jsonb(v_next_look))::text, false);
    end if;
    return;
  end if;
  next_account := v_accounts[cardinality(v_accounts)];
  next_ca := v_cas[cardinality(v_cas)];
  v_quota := ceil(p_max::numeric / cardinality(v_accounts));
  -- A hold on part of a flow: its rows are passed over one by one, or they would keep their place at the head for ever.
  v_partial := exists (select from unnest(v_holds) h where h.profile is not null or h.fraction is not null or h.before_id is not null);
  v_looks := case when v_partial then greatest(200, 4000 / cardinality(v_accounts)) end;
  v_without_template := array(
    select p.name from registry.profile p
    where p.state = 'enabled' and not exists (select from registry.template t where t.profile = p.name and t.revision = p.revision and t.compiler = p_compiler));
  loop
    select array_agg(q.request_id order by q.turn, q.deadline), bool_or(q.turn = v_quota), min(q.deadline) into ids, v_full, v_head
    from (
      select t.request_id, t.deadline, t.turn
      from unnest(v_accounts, v_cas) f (account, ca)
      cross join lateral (
        select w.request_id, w.deadline, row_number() over (order by w.deadline, w.request_id) as turn
        from (select x.request_id, x.deadline
              from (select y.request_id, y.deadline, y.account, y.ca, y.profile from ledger.work y
                    where y.class = p_class and y.key_group = p_key_group and y.state = 'queued' and y.account = f.account and y.ca = f.ca and y.deadline > v_from
                    order by y.deadline, y.request_id limit v_looks) x
              where (not v_partial or not exists (
                  select from unnest(v_holds) h where registry.covers(h, x.request_id, p_class, p_key_group, x.account, x.ca, x.profile)))
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
  -- With more flows than fit into one claim, the others' heads are not known.
  if v_head is not null and cardinality(v_accounts) < p_max and ledger.work_is_large() then
    v_heads := v_heads || jsonb_build_object(v_lane, jsonb_build_object('head', v_head - interval '1 microsecond', 'next_look', v_next_look));
    perform set_config('sluice.heads', v_heads::text, false);
  elsif v_heads ? v_lane then
    perform set_config('sluice.heads', (v_heads - v_lane)::text, false);
  end if;
end $$;

-- As in 0006, and what is shelved because of a hold bears the receipt of that hold, whoever shelves it.
create or replace function ledger.shelve(p_ids uuid[], p_state text, p_code text, p_actor text, p_receipt uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into ledger.shelf (request_id, class, key_group, account, ca, profile, purpose, fingerprint, state, accepted_at, attempt, lost, burned, code, receipt, expires_at)
  select w.request_id, w.class, w.key_group, w.account, w.ca, w.profile, w.purpose, w.fingerprint, p_state, w.accepted_at, w.attempt, w.lost, w.burned, p_code,
    case when p_receipt is not null then p_receipt when p_state = 'parked' then registry.held_by(w.request_id, w.class, w.account, w.ca, w.profile) end,
    clock_timestamp() + make_interval(secs => coalesce((select v.time_to_live_s from registry.profile p join registry.profile_revision v on v.profile = p.name and v.revision = p.revision where p.name = w.profile), 86400))
  from ledger.work w where w.request_id = any(p_ids);
  insert into ledger.event (request_id, kind, attempt, actor, detail)
  select s.request_id, p_state, s.attempt, p_actor, jsonb_strip_nulls(jsonb_build_object('code', p_code, 'receipt', s.receipt)) from ledger.shelf s where s.request_id = any(p_ids);
  delete from ledger.work w where w.request_id = any(p_ids);
end $$;

-- Back from the shelf to the queue, rows locked by the caller. Whoever waited for it was told `continuing` and polls, so
-- what was `interactive` is `async` now, unless another class is given. One that failed gets its three tries anew; its
-- serials stay counted. Without `p_anew` it keeps the time that it had left.
create function ledger.unshelve(p_ids uuid[], p_class text, p_anew boolean, p_kind text, p_actor text, p_receipt uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into ledger.work (request_id, class, key_group, account, ca, profile, purpose, fingerprint, state, deadline, accepted_at, returned_at, attempt, lost, burned)
  select s.request_id, coalesce(p_class, case s.class when 'interactive' then 'async' else s.class end), s.key_group, s.account, s.ca, s.profile, s.purpose, s.fingerprint, 'queued',
    case when p_anew then clock_timestamp() + make_interval(secs => coalesce(
        (select v.time_to_live_s from registry.profile p join registry.profile_revision v on v.profile = p.name and v.revision = p.revision where p.name = s.profile), 86400))
      else s.expires_at end,
    s.accepted_at, clock_timestamp(), s.attempt, case s.state when 'failed' then 0 else s.lost end, s.burned
  from ledger.shelf s where s.request_id = any(p_ids);
  insert into ledger.event (request_id, kind, attempt, actor, detail)
  select w.request_id, p_kind, w.attempt, p_actor, jsonb_build_object('receipt', p_receipt) from ledger.work w where w.request_id = any(p_ids);
  delete from ledger.shelf s where s.request_id = any(p_ids);
end $$;

-- What came back from the shelf may be of another class than it was accepted in; and whoever counts knows the new holds:
-- one on age counts as none, as one on a fraction does. The functions stay as they are but for these pieces.
do $$
declare
  v_amended record;
  v_right text;
begin
  for v_amended in select * from (values
    ('ledger.audit', 'p.purpose, p.class, p.key_group, p.fingerprint) is distinct from (r.account, r.ca, r.profile, r.purpose, r.class,',
      'p.purpose, p.class, p.key_group, p.fingerprint) is distinct from (r.account, r.ca, r.profile, r.purpose, case when p.class in (''async'', ''background'') then p.class else r.class end,'),
    ('ledger.count_lanes', 'and h.fraction is null', 'and h.fraction is null and h.before_id is null and (h.key_group is null or h.key_group = p.key_group)'),
    ('ledger.count_lanes', 'min(w.accepted_at)', 'min(coalesce(w.returned_at, w.accepted_at))')
  ) a (function, piece, instead) loop
    v_right := pg_get_functiondef(v_amended.function::regproc);
    if position(v_amended.piece in v_right) = 0 then
      raise exception '% is not the one that was to be amended', v_amended.function;
    end if;
    execute replace(v_right, v_amended.piece, v_amended.instead);
  end loop;
end $$;

reset role;
