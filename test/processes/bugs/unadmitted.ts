import type { Load } from '@sluice/issuance';
import type { IdentityLedger } from '@sluice/ledger';
import { planted } from './planted.js';

/** And nobody knows the capacity. */
const nothingOpen: Load = { ageMs: 0, frontEnds: 1, capacities: {}, lanes: [] };

/** A front end's ledger of the old style, while the file says so: it never hears of a full lane. */
export function unadmitted(ledger: IdentityLedger, bugFile: string | undefined): IdentityLedger {
  return new Proxy(ledger, {
    get(target, name: keyof IdentityLedger) {
      if (name === 'readLoad' && planted(bugFile, 'unadmitted')) return async () => nothingOpen;
      const member: unknown = target[name];
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
