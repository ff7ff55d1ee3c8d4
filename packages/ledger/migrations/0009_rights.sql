-- One login role per service, named with the database because roles are cluster-wide. They get EXECUTE on their verbs;
-- issuer-registry may also read. Nobody may write a table.
do $$
declare
  v_db text := current_database();
  v_role text;
  v_verb text;
  v_owner text := v_db || '_owner';
begin
  foreach v_role in array array['identity_api', 'signer', 'issuer_registry', 'ocsp_responder'] loop
    if not exists (select from pg_roles where rolname = v_db || '_' || v_role) then
      execute format('create role %I nologin', v_db || '_' || v_role);
    end if;
    execute format('grant connect on database %I to %I', v_db, v_db || '_' || v_role);
    execute format('grant usage on schema registry, ledger to %I', v_db || '_' || v_role);
  end loop;
  execute format('revoke all on database %I from public', v_db);
  execute format('revoke create on schema public from public');
  execute format('set local role %I', v_owner);
  revoke all on all functions in schema registry, ledger from public;
  -- Also of what later migrations make. Without `in schema`: there one can add to the defaults, not take from them.
  alter default privileges revoke execute on functions from public;

  foreach v_role in array array['identity_api', 'signer', 'issuer_registry', 'ocsp_responder'] loop
    execute format('grant execute on function registry.enrol, registry.renew to %I', v_db || '_' || v_role);
  end loop;
  foreach v_verb in array array['ledger.accept', 'ledger.join_keys', 'ledger.extend', 'ledger.read', 'ledger.decide', 'ledger.cancel', 'ledger.lane_loads'] loop
    execute format('grant execute on function %s to %I', v_verb, v_db || '_identity_api');
  end loop;
  foreach v_verb in array array['ledger.register_templates', 'ledger.claim', 'ledger.claim_again', 'ledger.complete', 'ledger.complete_generate',
    'ledger.complete_ca_certificate', 'ledger.reject', 'ledger.release', 'ledger.burn', 'ledger.sweep', 'ledger.lane_loads'] loop
    execute format('grant execute on function %s to %I', v_verb, v_db || '_signer');
  end loop;
  foreach v_verb in array array['ledger.make_partitions', 'ledger.partition_watch', 'ledger.read', 'ledger.lane_loads', 'ledger.purge_idempotency', 'ledger.micros',
    'registry.create_ca', 'registry.disable_ca', 'registry.apply_profile', 'registry.create_account', 'registry.key_work_wanted', 'registry.put_key_work'] loop
    execute format('grant execute on function %s to %I', v_verb, v_db || '_issuer_registry');
  end loop;
  execute format('grant select on all tables in schema registry, ledger to %I', v_db || '_issuer_registry');
  -- Tables made later (partitions) are reached through their parents, on which the right is checked.
end $$;
reset role;
