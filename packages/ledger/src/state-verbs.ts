import type { Database, Statement } from './database.js';
import { only } from './only.js';
import type { Change, RegistryStore } from './registry-types.js';
import type { Decided } from './subscriber-types.js';

const statement = (name: string, text: string): Statement => ({ name, text });
const statements = {
  disableCa: statement('disable_ca', 'select * from registry.disable_ca($1, $2, $3)'),
  enableCa: statement('enable_ca', 'select * from registry.enable_ca($1, $2, $3)'),
  retireCa: statement('retire_ca', 'select * from registry.retire_ca($1, $2, $3)'),
  liftQuarantine: statement('lift_quarantine', 'select registry.lift_quarantine($1, $2, $3, $4) as epoch'),
  parkedOf: statement(
    'parked_of',
    `select count(*)::integer as parked from ledger.shelf where ca = $1 and state = 'parked'`,
  ),
  setProfileState: statement('set_profile_state', 'select registry.set_profile_state($1, $2, $3, $4) as epoch'),
  setAccountState: statement('set_account_state', 'select registry.set_account_state($1, $2, $3, $4) as epoch'),
  setAccountLimits: statement(
    'set_account_limits',
    'select registry.set_account_limits($1, $2, $3::jsonb, $4) as epoch',
  ),
  addApiKey: statement('add_api_key', 'select registry.add_api_key($1, $2, $3) as epoch'),
  revokeApiKey: statement('revoke_api_key', 'select registry.revoke_api_key($1, $2, $3, $4) as epoch'),
};

export interface DecidedRow extends Change {
  readonly standing: Decided['standing'];
  readonly proposed_by: string | null;
  readonly expires_at: Date | null;
}

export function toDecided({ standing, proposed_by: by, expires_at: expiresAt }: DecidedRow): Decided {
  return standing === 'proposed' && by !== null && expiresAt !== null
    ? { standing, proposedBy: by, expiresAt }
    : { standing: 'done', proposedBy: by ?? undefined };
}

type StateVerbs = Pick<
  RegistryStore,
  | 'disableCa'
  | 'enableCa'
  | 'retireCa'
  | 'liftQuarantine'
  | 'parkedOf'
  | 'setProfileState'
  | 'setAccountState'
  | 'setAccountLimits'
  | 'addApiKey'
  | 'revokeApiKey'
>;

/** What takes CAs, profiles, accounts and API keys from one state to another. */
export function createStateVerbs(database: Database): StateVerbs {
  const change = (verb: Statement, ...values: unknown[]): Promise<Change> => only<Change>(database, verb, values);
  const decide = async (verb: Statement, ...values: unknown[]) => {
    const row = await only<DecidedRow>(database, verb, values);
    return { epoch: row.epoch, ...toDecided(row) };
  };
  return {
    disableCa: (operator, name, reason) => decide(statements.disableCa, operator, name, reason),
    enableCa: (operator, name, reason) => decide(statements.enableCa, operator, name, reason),
    retireCa: (operator, name, reason) => decide(statements.retireCa, operator, name, reason),
    liftQuarantine: (operator, ca, token, reason) =>
      change(statements.liftQuarantine, operator, ca, token ?? null, reason),
    parkedOf: async (ca) => (await only<{ parked: number }>(database, statements.parkedOf, [ca])).parked,
    setProfileState: (operator, name, state, reason) =>
      change(statements.setProfileState, operator, name, state, reason),
    setAccountState: (operator, name, state, reason) =>
      change(statements.setAccountState, operator, name, state, reason),
    setAccountLimits: (operator, name, limits, reason) =>
      change(statements.setAccountLimits, operator, name, JSON.stringify(limits), reason),
    addApiKey: (operator, account, hash) => change(statements.addApiKey, operator, account, Buffer.from(hash)),
    revokeApiKey: (operator, account, hash, reason) =>
      change(statements.revokeApiKey, operator, account, Buffer.from(hash), reason),
  };
}
