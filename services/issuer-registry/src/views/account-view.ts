import type { AccountRow } from '@sluice/ledger';
import type { AccountView } from '@sluice/registry-protocol';
import { limitsView } from './limits-view.js';

export function accountView(row: AccountRow): AccountView {
  return {
    name: row.name,
    state: row.state,
    profiles: [...row.profiles],
    api_key_hashes: row.apiKeyHashes.map((hash) => Buffer.from(hash).toString('hex')),
    limits: limitsView(row.limits),
    epoch: String(row.epoch),
    created_at: row.createdAt.toISOString(),
  };
}
