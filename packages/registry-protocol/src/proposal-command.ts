import type { ProposalView } from './admin-changes.js';

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** What the second operator gives, with their own key, when they want the same. */
export function proposalCommand({ verb, subject, reason }: ProposalView): string {
  return `sluice ${verb} ${subject} --reason ${quoted(reason)}`;
}
