import type { Purpose } from './ca-state.js';

export const requestClasses = ['urgent', 'interactive', 'async', 'background'] as const;
/** Given by the server from purpose and preference, never by the client (DESIGN section 3, class). */
export type RequestClass = (typeof requestClasses)[number];

/**
 * Shares of signing capacity while all classes want it; what one does not use, the others may. Whoever gives out the
 * capacity and whoever reckons with it take them from here.
 */
export const signingShares: Readonly<Record<RequestClass, number>> = {
  urgent: 20,
  interactive: 60,
  async: 15,
  background: 5,
};

/** A lane is (class, key group): one BullMQ queue each. */
export interface Lane {
  readonly class: RequestClass;
  readonly keyGroup: string;
}

/** `interactive` when somebody waits, `async` when somebody polls; key work is `async`, CRLs are `urgent`. */
export function classOf(purpose: Purpose, someoneWaits: boolean): RequestClass {
  if (purpose === 'crl') return 'urgent';
  if (purpose === 'ocsp-signer') return 'background';
  return purpose === 'subscriber' && someoneWaits ? 'interactive' : 'async';
}

/** One text per lane, for logs, metrics and queue names: `interactive.default`. */
export function laneName(lane: Lane): string {
  return `${lane.class}.${lane.keyGroup}`;
}
