do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- The registry, for the live auditor: what subscribers are told of each CA, profile, account and of the block list is
-- computed from the rows once more, and so is the digest that the newest version was sealed with. In one snapshot.
create function ledger.audit_registry() returns setof ledger.audit_finding
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with looked (name, bad) as (
    select coalesce(r.kind, e.kind) || ' ' || coalesce(r.name, e.name),
      (e.epoch, e.body, e.hash) is distinct from (r.epoch, r.body, registry.entity_hash(r.body))
    from registry.entities_from_rows(0) r
    full join (select x.* from registry.entity x where x.kind <> 'blocked-keys') e on e.kind = r.kind and e.name = r.name
    union all
    select 'blocked-keys all', (e.body, e.hash) is distinct from (b.body, registry.entity_hash(b.body))
    from (select registry.blocked_keys_chain(0, 0, decode(repeat('00', 32), 'hex')) as body) b
    left join registry.entity e on e.kind = 'blocked-keys'
    union all
    select 'version ' || n.epoch, v.digest is distinct from registry.digest(n.epoch)
    from registry.epoch n left join registry.version v on v.epoch = n.epoch
  )
  select 'sealed', count(*), count(*) filter (where l.bad), coalesce((array_agg(l.name order by l.name) filter (where l.bad))[1:20], '{}') from looked l
$$;

do $$ begin
  execute format('grant execute on function ledger.audit_registry to %I, %I', current_database() || '_signer', current_database() || '_issuer_registry');
end $$;
reset role;
