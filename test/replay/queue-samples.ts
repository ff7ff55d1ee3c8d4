import { setTimeout as wait } from 'node:timers/promises';
import type { System } from '@sluice/testkit';

/** What is queued or being signed at a moment. */
export interface QueueSample {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly open: number;
  /** Seconds since the oldest of it was accepted. 0: nothing is open. */
  readonly oldestS: number;
}

const everyMs = 1000;

/** Looks once a second until it is stopped. */
export function sampleQueue(system: System): { readonly samples: readonly QueueSample[]; stop(): Promise<void> } {
  const samples: QueueSample[] = [];
  const over = new AbortController();
  async function look(): Promise<void> {
    while (!over.signal.aborted) {
      const [row] = await system.query<Omit<QueueSample, 'at'>>(
        `select count(*)::integer as open,
           coalesce(extract(epoch from clock_timestamp() - min(accepted_at)), 0)::float8 as "oldestS"
         from ledger.work where purpose = 'subscriber'`,
      );
      if (row !== undefined) samples.push({ at: Date.now(), ...row });
      await wait(everyMs, undefined, { signal: over.signal }).catch(() => undefined);
    }
  }
  const looking = look();
  return {
    samples,
    async stop() {
      over.abort();
      await looking;
    },
  };
}
