import { asSluiceError, type SluiceError } from '@sluice/errors';
import { isFaultOfOneRow } from './ledger-error.js';

export interface GroupCommitOptions<T, R> {
  /** Commits the batch and answers in its order. */
  readonly commit: (batch: readonly T[]) => Promise<readonly R[]>;
  readonly batchMax: number;
  /** Batches side by side: the stages must overlap, or every request waits for the slowest of its convoy. */
  readonly inFlightMax: number;
  /** When a small batch may go. Left out: at once. */
  readonly patience?: Patience | undefined;
  /** Refused with `unavailable` beyond this many waiting. */
  readonly waitingMax: number;
  readonly refuse: () => SluiceError;
  /** Called with the size of each batch that was committed. */
  readonly onBatch?: ((size: number) => void) | undefined;
}

/** What a commit costs before its first row, each of many small ones would pay again: so a small batch waits for more. */
export interface Patience {
  /** A batch of fewer rows waits; 1 or less: it goes at once. `beside`: while another one is in flight. */
  rowsMin(beside: boolean): number;
  /** But no longer than this, in milliseconds. */
  waitMs(): number;
}

/**
 * Whatever gathered while the previous commits ran goes into the next one; no timer when calm. When a batch fails by
 * the fault of a row, it is split and tried again, so that one bad row harms only itself.
 */
export interface GroupCommit<T, R> {
  submit(item: T): Promise<R>;
  /** Resolves when nothing waits or runs any more. */
  idle(): Promise<void>;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: SluiceError) => void;
}

export function createGroupCommit<T, R>(options: GroupCommitOptions<T, R>): GroupCommit<T, R> {
  const waiting: Waiting<T, R>[] = [];
  let inFlight = 0;
  let scheduled = false;
  let whenIdle: (() => void)[] = [];
  /** Runs while a small batch waits; when it has gone off, what waits goes all the same. */
  let patience: NodeJS.Timeout | undefined;
  let impatient = false;

  async function run(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await options.commit(batch.map((entry) => entry.item));
      batch.forEach((entry, index) => {
        entry.resolve(results[index] as R); // commit answers in the batch's order, one result each: its contract
      });
      options.onBatch?.(batch.length);
    } catch (thrown) {
      const error = asSluiceError(thrown);
      if (batch.length > 1 && isFaultOfOneRow(error)) {
        const middle = batch.length >> 1;
        await run(batch.slice(0, middle));
        await run(batch.slice(middle));
        return;
      }
      for (const entry of batch) entry.reject(error);
    }
  }

  function mayGo(): boolean {
    if (waiting.length === 0 || inFlight >= options.inFlightMax) return false;
    if (impatient || options.patience === undefined) return true;
    return waiting.length >= options.patience.rowsMin(inFlight > 0);
  }

  function pump(): void {
    scheduled = false;
    while (mayGo()) {
      inFlight += 1;
      void run(waiting.splice(0, options.batchMax)).finally(() => {
        inFlight -= 1;
        pump();
      });
      if (waiting.length === 0) endPatience();
    }
    // Impatient it stays while every place is taken: the first that is free is for those who have waited their time.
    if (waiting.length > 0 && options.patience !== undefined && !impatient) {
      patience ??= setTimeout(() => {
        impatient = true;
        pump();
      }, options.patience.waitMs());
    }
    if (waiting.length === 0 && inFlight === 0) {
      for (const resolve of whenIdle) resolve();
      whenIdle = [];
    }
  }

  function endPatience(): void {
    clearTimeout(patience);
    patience = undefined;
    impatient = false;
  }

  return {
    submit(item) {
      if (waiting.length >= options.waitingMax) return Promise.reject(options.refuse());
      return new Promise<R>((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (!scheduled) {
          // Requests that arrived in the same turn of the event loop share the commit.
          scheduled = true;
          setImmediate(pump);
        }
      });
    },
    idle() {
      return waiting.length === 0 && inFlight === 0
        ? Promise.resolve()
        : new Promise((resolve) => whenIdle.push(resolve));
    },
  };
}
