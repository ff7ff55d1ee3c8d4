import { createHash } from 'node:crypto';
import type { CaRow } from '@sluice/ledger';
import type { CaView } from '@sluice/registry-protocol';
import { certificateView } from './certificate-view.js';

export function caView(row: CaRow): CaView {
  return {
    name: row.name,
    key_group: row.keyGroup,
    state: row.state,
    quarantined: row.quarantined,
    quarantined_tokens: [...row.quarantinedTokens],
    key_algorithm: row.keyAlgorithm,
    subject_dn: JSON.parse(row.subject) as Record<string, unknown>,
    issuer: row.issuer,
    certificate_profile: row.certificateProfile,
    spki_sha256: row.spki === null ? null : createHash('sha256').update(row.spki).digest('hex'),
    ...certificateView(row.certificate),
    epoch: String(row.epoch),
    created_at: row.createdAt.toISOString(),
  };
}
