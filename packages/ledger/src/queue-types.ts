import type { RequestClass } from '@sluice/issuance';

/** Open and shelved work of one class for one CA. */
export interface QueueRow {
  readonly class: RequestClass;
  readonly keyGroup: string;
  readonly ca: string;
  readonly queued: number;
  readonly signing: number;
  /** Of what is queued: held by a rule or a quarantine. A hold on a fraction counts as none here. */
  readonly held: number;
  readonly parked: number;
  readonly failed: number;
  /** Milliseconds that the oldest claimable row has waited; 0 when there is none. Held and shelved work does not count. */
  readonly oldestAgeMs: number;
  /** Accepted since the moment asked about. */
  readonly accepted: number;
  /** The account with the most open work, and how much that is. */
  readonly topAccount: string | null;
  readonly topOpen: number;
}

/** One snapshot, at `at` by the ledger's clock. */
export interface QueueReading {
  readonly at: Date;
  readonly rows: readonly QueueRow[];
}

/** How requests ended: those with the newest ids, so as many as a look may cost. */
export interface NewestEnds {
  /** All that was accepted since then and has ended is counted. */
  readonly since: Date;
  readonly groups: readonly {
    readonly ca: string;
    readonly account: string;
    readonly state: string;
    readonly code: string | null;
    readonly count: number;
  }[];
}

/** A rule in force that holds work. What is null matches everything. */
export interface HoldRow {
  readonly ca: string | null;
  readonly profile: string | null;
  readonly account: string | null;
  readonly class: string | null;
  readonly keyGroup: string | null;
  /** Only what arrived before it. */
  readonly arrivedBefore: Date | null;
  readonly fraction: number | null;
  readonly reason: string;
  readonly operator: string;
  readonly expiresAt: Date;
}

/** What keeps vacuum from taking away the rows that left `ledger.work`. */
export interface VacuumWatch {
  readonly deadRows: number;
  /** Of the oldest transaction that keeps dead rows; 0 when there is none. */
  readonly oldestTransactionMs: number;
  /** Whose it is, for people: process id, role, program, state. */
  readonly heldBy: string | null;
}

/** What is open and how it ends, for operators. Everything is read, nothing changed. */
export interface QueueStore {
  /** Walks over all of `ledger.work`: seldom, please. `since`: counts what was accepted after it, for a minute at most. */
  queue(since: Date | undefined): Promise<QueueReading>;
  newestEnds(): Promise<NewestEnds>;
  /** At most 100, those that end last first. */
  holds(): Promise<HoldRow[]>;
  vacuumWatch(): Promise<VacuumWatch>;
}
