import type { IdentityLedger } from '@sluice/ledger';
import type { Checkpoint, Log, UnderWay } from '@sluice/lifecycle';
import type { Clock } from './clock.js';
import type { Directory } from './directory.js';
import type { FrontMetrics } from './front-metrics.js';
import type { Nonces } from './nonces.js';
import type { Charges } from './steps/1-charge.js';
import type { Admission } from './steps/3-admit.js';
import type { Waiters } from './steps/9-waiters.js';

/** What the operations of this service work with; wired in context.ts, and with fakes in the tests. */
export interface Front {
  /** The one in force; throws `unavailable` before the first snapshot. */
  readonly directory: () => Directory;
  /** Orders from the directory to the commit: an epoch is acknowledged when those begun under an older one have ended. */
  readonly acceptsUnderWay: UnderWay;
  readonly ledger: Pick<IdentityLedger, 'join' | 'joinEqual' | 'accept' | 'read' | 'decide' | 'cancel'>;
  readonly charges: Charges;
  readonly admission: Pick<Admission, 'admit' | 'fits'>;
  readonly waiters: Waiters;
  readonly metrics: FrontMetrics;
  readonly clock: Clock;
  /** 0 ≤ x < 1: jitter. */
  readonly random: () => number;
  readonly nonces: Nonces;
  readonly newRequestId: (nowMs: number) => string;
  /** The ledger said `fenced` or `stale-snapshot`: renew or enrol anew now rather than at the next renewal. */
  readonly onFenced: () => void;
  readonly checkpoint: Checkpoint;
  readonly log: Log & { debug(facts: object, message: string): void };
}
