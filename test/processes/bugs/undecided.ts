import type { IdentityLedger } from '@sluice/ledger';
import { planted } from './planted.js';

/**
 * A front end's ledger of the old style, while the file says so: at the end of a wait it says that nothing was issued
 * without deciding so. What is open stays open.
 */
export function undecided(ledger: IdentityLedger, bugFile: string | undefined): IdentityLedger {
  const decide: IdentityLedger['decide'] = async (requestId) => {
    const standing = await ledger.read(requestId);
    if (standing === undefined) throw new Error(`no request ${requestId}`);
    if (standing.state !== 'queued' && standing.state !== 'signing') return standing;
    return { ...standing, state: 'expired', withheld: false };
  };
  return new Proxy(ledger, {
    get(target, name: keyof IdentityLedger) {
      if (name === 'decide' && planted(bugFile, 'undecided')) return decide;
      const member: unknown = target[name];
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
