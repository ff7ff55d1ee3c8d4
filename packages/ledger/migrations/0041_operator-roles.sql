do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- viewer: looks · operator: acts, and proposes what takes two · approver: may be the second of two, besides.
alter table registry.operator add column role text not null default 'approver' check (role in ('viewer', 'operator', 'approver'));

-- As in 0022, and the second of two must be an approver.
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
  elsif exists (select from registry.operator r where r.name = p_operator and r.role <> 'approver') then
    raise exception '% of % was proposed by %: only an approver can be the second', p_verb, p_subject, proposed_by using errcode = 'SLX01';
  end if;
end $$;

reset role;
