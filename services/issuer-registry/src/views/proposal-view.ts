import type { ProposalRow } from '@sluice/ledger';
import { type ProposalView, reportText } from '@sluice/registry-protocol';

/** The ledger names an act by what comes of it, people by the command. */
const commandOf: Readonly<Record<ProposalRow['verb'], string>> = {
  'ca-active': 'ca enable',
  'ca-disabled': 'ca disable',
  'subscriber-forget': 'subscribers forget',
  'registry-restored': 'registry restored --past',
};

export function proposalView({ verb, subject, reason, proposedBy, expiresAt }: ProposalRow): ProposalView {
  return {
    verb: commandOf[verb],
    subject,
    // One operator's text ends on the terminal of another, who decides by it.
    reason: reportText(reason),
    proposed_by: proposedBy,
    expires_at: expiresAt.toISOString(),
  };
}
