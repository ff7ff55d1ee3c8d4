do $$ begin execute format('set local role %I', current_database() || '_owner'); end $$;

-- The registry predicts waits as admission does: by what the signers say that they can.
do $$ begin execute format('grant execute on function ledger.capacity_of to %I', current_database() || '_issuer_registry'); end $$;
reset role;
