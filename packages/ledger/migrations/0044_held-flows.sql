do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- A lane in which more than a hundred rows are held (of dead CAs, say) is a long queue: each claim went from flow to flow,
-- and each step read the whole lane, because two indexes began with the same columns and the plan, made while the table
-- was small, took the wrong one. Claims took 35 ms each, so what could be signed queued up behind what could not.
-- Now each index of what is queued fits one question only, and one step goes past all that is held of a CA, however many
-- accounts.
drop index ledger.work_lane;
create index work_lane on ledger.work ((class || '.' || key_group), deadline) where state = 'queued';
drop index ledger.work_flow;
create index work_flow on ledger.work (class, key_group, ca, account, deadline, request_id) where state = 'queued';
drop index ledger.work_overdue;
create index work_overdue on ledger.work ((deadline at time zone 'UTC')) where state = 'queued';
do $$
declare
  v_right text := pg_get_functiondef('ledger.sweep'::regproc);
  v_piece text := 'y.deadline > v_from and y.deadline <= v_now order by y.deadline';
begin
  if position(v_piece in v_right) = 0 then
    raise exception 'ledger.sweep is not the one that was to be amended';
  end if;
  execute replace(v_right, v_piece, '(y.deadline at time zone ''UTC'') > (v_from at time zone ''UTC'') and (y.deadline at time zone ''UTC'') <= (v_now at time zone ''UTC'')
    order by y.deadline at time zone ''UTC''');
end $$;

-- (a) Candidates by policy, as in 0038, by (CA, account).
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
  v_past_ca boolean := false;
  v_without_template text[];
begin
  if v_next_look between v_now and v_now + interval '10 s' then
    v_from := greatest(v_now, (v_heads #>> array[v_lane, 'head'])::timestamptz);
  end if;
  v_holds := array(select h from registry.hold h where h.lifted_at is null and h.expires_at > v_now
    and (h.class is null or h.class = p_class) and (h.key_group is null or h.key_group = p_key_group));
  select count(*) <= 100, jsonb_agg(distinct jsonb_build_array(q.ca, q.account)) into v_short_queue, v_flows
  from (select w.account, w.ca from ledger.work w
        where w.class || '.' || w.key_group = v_lane and w.state = 'queued' and w.deadline > v_from
        order by w.deadline limit 101) q;
  -- From flow to flow, each by one probe, however many rows a flow has; past all flows of a CA by another one.
  while cardinality(v_accounts) < p_max loop
    if v_short_queue then
      select f ->> 0, f ->> 1 into v_ca, v_account from jsonb_array_elements(v_flows) f
      where (f ->> 0, f ->> 1) > (v_ca, v_account) and (not v_past_ca or f ->> 0 > v_ca) order by f ->> 0, f ->> 1 limit 1;
    elsif v_past_ca then
      select w.ca, w.account into v_ca, v_account from ledger.work w
      where w.class = p_class and w.key_group = p_key_group and w.state = 'queued' and w.ca > v_ca and w.deadline > v_from
      order by w.ca, w.account limit 1;
    else
      select w.ca, w.account into v_ca, v_account from ledger.work w
      where w.class = p_class and w.key_group = p_key_group and w.state = 'queued' and (w.ca, w.account) > (v_ca, v_account) and w.deadline > v_from
      order by w.ca, w.account limit 1;
    end if;
    if not found then
      exit when v_wrapped;
      v_wrapped := true;
      v_account := '';
      v_ca := '';
      v_past_ca := false;
      continue;
    end if;
    exit when p_cursor_account is not null and v_wrapped and (v_ca, v_account) > (p_cursor_ca, p_cursor_account);
    v_past_ca := v_ca = any(p_skip_cas) or exists (select from registry.ca c where c.name = v_ca and c.quarantined)
      or exists (select from registry.ca_token q where q.ca = v_ca and q.token = p_token and q.quarantined)
      or exists (select from unnest(v_holds) h where h.ca = v_ca and h.account is null and h.profile is null and h.fraction is null and h.before_id is null);
    if not v_past_ca
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

reset role;
