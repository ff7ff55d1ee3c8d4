import type { ProfileRow } from '@sluice/ledger';
import type { ProfileView } from '@sluice/registry-protocol';

export function profileView(row: ProfileRow): ProfileView {
  const { name, ca, purpose, state, revision, document } = row;
  const created_at = row.createdAt.toISOString();
  return { name, ca, purpose, state, revision, document: { ...document }, epoch: String(row.epoch), created_at };
}
