import { SluiceError } from '@sluice/errors';
import type { Decided } from '@sluice/ledger';
import { type ProposalView, proposalCommand } from '@sluice/registry-protocol';
import { proposalView } from '../views/proposal-view.js';
import type { AdminContext } from './admin-context.js';

/** An act for which one operator is not enough, in the words of the command line. */
export interface Act {
  /** `ca enable` */
  readonly verb: string;
  readonly subject: string;
  readonly reason: string;
}

/** What another operator proposed and now waits. Throws `conflict` when it was this operator: nobody is two. */
export async function waitingProposal(
  { store }: Pick<AdminContext, 'store'>,
  operator: string,
  { verb, subject }: Act,
): Promise<ProposalView | undefined> {
  const proposals = (await store.proposals()).map(proposalView);
  const waiting = proposals.find((proposal) => proposal.verb === verb && proposal.subject === subject);
  if (waiting?.proposed_by !== operator) return waiting;
  throw new SluiceError(
    'conflict',
    `You proposed this yourself; it waits for another operator until ${waiting.expires_at}`,
    {
      facts: { what_to_do: `Let another operator give, with their own key: ${proposalCommand(waiting)}` },
    },
  );
}

/** What the ledger decided, as it is told. `waiting`: what was found before. */
export function decidedView(
  decided: Decided,
  { verb, subject, reason }: Act,
  waiting: ProposalView | undefined,
): { done: boolean; proposal: ProposalView | null } {
  if (decided.standing === 'done') return { done: true, proposal: waiting ?? null };
  const { proposedBy: proposed_by, expiresAt } = decided;
  return { done: false, proposal: { verb, subject, reason, proposed_by, expires_at: expiresAt.toISOString() } };
}

/** What would be decided, for a dry run. */
export function trialView(
  takesTwo: boolean,
  operator: string,
  { verb, subject, reason }: Act,
  waiting: ProposalView | undefined,
): { done: boolean; proposal: ProposalView | null } {
  if (!takesTwo) return { done: true, proposal: null };
  const proposal = waiting ?? { verb, subject, reason, proposed_by: operator, expires_at: null };
  return { done: waiting !== undefined, proposal };
}
