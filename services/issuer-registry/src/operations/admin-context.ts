import type { RegistryStore } from '@sluice/ledger';
import type { QueueWatch } from '../queue/queue-watch.js';

/** What the admin operations act with. Clock and randomness are given, so that a test decides them. */
export interface AdminContext {
  /** Subscriber name of this registry process. */
  readonly name: string;
  readonly store: RegistryStore;
  readonly queue: Pick<QueueWatch, 'now'>;
  readonly clock: () => Date;
  /** The ledger's time, by which leases and everything that is heard are dated. */
  readonly ledgerClock: () => Date;
  /** Cryptographically strong. */
  readonly randomBytes: (lengthBytes: number) => Uint8Array;
}
