import type { RequestClass } from '@sluice/issuance';
import type { Caller } from './types.js';

/** Which requests a bulk act is about; what is not named matches everything. */
export interface QueueFilter {
  readonly ca?: string | undefined;
  readonly profile?: string | undefined;
  readonly account?: string | undefined;
  readonly class?: RequestClass | undefined;
  readonly keyGroup?: string | undefined;
  /** Above 0, at most 1: that part of them, always the same by a hash of the id, so that 2/3 contains 1/3. */
  readonly fraction?: number | undefined;
  /** Only what arrived at least so long before the act, seconds. */
  readonly olderThanS?: number | undefined;
}

export const receiptStates = [
  'moving',
  'holding',
  'undoing',
  'undone',
  'ended',
  'released',
  'running',
  'paused',
  'stopped',
  'done',
] as const;
export type ReceiptState = (typeof receiptStates)[number];

/** A bulk act and how far it is. */
export interface Receipt {
  readonly id: string;
  readonly verb: 'park' | 'pause' | 'resubmit';
  readonly state: ReceiptState;
  readonly operator: string;
  readonly reason: string;
  /** As stored: the filter, and of a resubmission the `states`. */
  readonly filter: Readonly<Record<string, unknown>>;
  readonly madeAt: Date;
  readonly changedAt: Date;
  /** Counted with the act. */
  readonly matched: number;
  /** To the shelf, or by a resubmission to the queue. */
  readonly moved: number;
  readonly passedOver: number;
  /** By an undo, to the queue. */
  readonly returned: number;
  readonly source: string | null;
  readonly ratePerS: number | null;
  /** Why a resubmission does nothing just now. */
  readonly waitsFor: string | null;
  /** Of a park or pause: when its hold ends by itself. */
  readonly holdsUntil: Date | null;
}

/** What a receipt's process has to do next. */
export interface TakenReceipt {
  readonly id: string;
  readonly verb: Receipt['verb'];
  readonly state: ReceiptState;
  readonly ratePerS: number | null;
}

export interface PreviewRow {
  readonly state: 'queued' | 'signing' | 'parked' | 'failed';
  readonly class: RequestClass;
  readonly count: number;
  readonly oldest: Date;
  /** Of these, how many somebody may be waiting for on a connection. */
  readonly waiting: number;
}

/** Open and shelved requests that are alike. */
export interface QueueGroup {
  readonly state: PreviewRow['state'];
  readonly class: RequestClass;
  readonly keyGroup: string;
  readonly account: string;
  readonly ca: string;
  readonly profile: string | null;
  /** Why they are on the shelf: `held`, `failed`. */
  readonly code: string | null;
  readonly count: number;
  readonly oldest: Date;
}

/**
 * Bulk acts. Each is durable on return: from then on no claim that starts takes what is held, and what is to be done is
 * written down. Names that there are not: `not-found`. Retries are the caller's; one that got no answer must look first.
 */
export interface BulkStore {
  /** The largest groups. Reads all of the open work. */
  queueGroups(filter: QueueFilter, max: number): Promise<QueueGroup[]>;
  preview(filter: QueueFilter, source?: string): Promise<PreviewRow[]>;
  /**
   * A hold and its receipt. `pause` leaves rows where they are. `conflict` when another hold covers all of it for longer,
   * or when nothing matches now and `arriving` is not set.
   */
  holdWork(
    operator: string,
    act: {
      readonly verb: 'park' | 'pause';
      readonly filter: QueueFilter;
      readonly forS: number;
      readonly arriving: boolean;
      readonly reason: string;
    },
  ): Promise<string>;
  /** `conflict` when it was undone or released before, or is no hold. */
  undoHold(operator: string, receipt: string, reason: string): Promise<void>;
  /** `conflict` when nothing on the shelf is left for it. The hold of `source` ends with it. */
  resubmit(
    operator: string,
    act: {
      readonly filter: QueueFilter;
      readonly states: readonly ('parked' | 'failed')[];
      readonly source: string | undefined;
      readonly ratePerS: number;
      readonly reason: string;
    },
  ): Promise<string>;
  /** A resubmission. `conflict` from a state with no such way. */
  steer(operator: string, receipt: string, to: 'paused' | 'running' | 'stopped', reason: string): Promise<void>;
  /** The newest `max`. */
  receipts(max: number): Promise<Receipt[]>;
  receipt(id: string): Promise<Receipt | undefined>;
  /** Of a resubmission: counts by result; null: to come. */
  receiptResults(id: string): Promise<{ readonly result: string | null; readonly count: number }[]>;
  /** The requests with that result, by id, the next `max` after `after`. */
  receiptItems(id: string, result: string, after: string | undefined, max: number): Promise<string[]>;
  /** What this process is to carry on, for 5 s. */
  takeReceipts(caller: Caller): Promise<TakenReceipt[]>;
  /** One step of it. `conflict` when another process has it by now. Safe to repeat: each step is one commit with its mark. */
  carryOn(
    caller: Caller,
    receipt: string,
    step: { readonly max: number; readonly waitsFor?: string | undefined },
  ): Promise<{ readonly moved: number; readonly state: ReceiptState }>;
}
