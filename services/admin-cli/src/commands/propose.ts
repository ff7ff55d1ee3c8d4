import { type ProposalView, proposalCommand } from '@sluice/registry-protocol';
import { timeText } from '../screens/time.js';

/** What to do about an act that waits for a second operator: the very command. */
export function proposalScreen(proposal: ProposalView): string {
  const until = proposal.expires_at === null ? '' : `, until ${timeText(proposal.expires_at)}`;
  return [
    `Nothing was changed yet: this takes two operators, and you are the first${until}. Another one gives, with their own key:`,
    '',
    `  ${proposalCommand(proposal)}`,
  ].join('\n');
}

/** Whose act a second operator is about to complete. */
export function proposedText({ proposed_by, reason }: ProposalView): string {
  return `as ${proposed_by} proposed: ${reason}`;
}
