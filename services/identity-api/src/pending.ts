import type { Fate } from '@sluice/errors';
import type { Directory, DirectoryAccount } from './directory.js';
import type { Front } from './front.js';
import type { Preference } from './prefer.js';
import type { Charge } from './steps/1-charge.js';
import type { Order } from './steps/1-read-order.js';
import type { Possession } from './steps/2-subject-key.js';
import type { ValidOrder } from './steps/2-validate.js';
import type { Place } from './steps/3-load-view.js';
import type { Waiter } from './steps/9-waiters.js';

/** Open work of a profile that the snapshot no longer names goes on for this long. */
const timeToLiveDefaultMs = 24 * 3600 * 1000;

/** An order on its way through the steps, and what may be said of it should it end here. */
export interface Pending {
  readonly directory: Directory;
  readonly account: DirectoryAccount;
  readonly order: Order;
  readonly preference: Preference;
  readonly idempotencyKey: string | undefined;
  /** Monotonic milliseconds. */
  readonly startedAtMs: number;
  readonly decideAtMs: number;
  /** Fate of this very call should it fail at this moment: `not-issued` only while nothing of it can be stored. */
  fate: Fate | undefined;
  /** From its validation on. */
  valid: ValidOrder | undefined;
  /** `undefined` before it is charged, and when a limit is reached. */
  charge: Charge | undefined;
  /** From its admission on. */
  place: Place | undefined;
  requestId: string | undefined;
  waiter: Waiter | undefined;
  hungUp: boolean;
}

/** Until when the ledger may work on it, from now: our decision, or its time to live when the client will look again. */
export function deadlineMs(front: Front, pending: Pending): number {
  const { preference, decideAtMs } = pending;
  if (preference.respondAsync) return timeToLiveOf(pending);
  return Math.max(1, Math.round(decideAtMs - front.clock.monotonicMs()));
}

export function timeToLiveOf({ directory, order }: Pending): number {
  return directory.profile(order.profile)?.timeToLiveMs ?? timeToLiveDefaultMs;
}

/** What its sender's proof of the key is held against. */
export function possessionOf(front: Front, { account, order, directory }: Pending): Possession {
  return {
    account: account.name,
    profile: order.profile,
    blockedKeys: directory.blockedKeys,
    nonces: front.nonces,
    nowMs: front.clock.epochMs(),
  };
}
