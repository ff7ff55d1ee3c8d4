import type { Caller, QueueRow, RegistryStore, TakenReceipt } from '@sluice/ledger';
import type { Log } from '@sluice/lifecycle';
import type { Pace } from './pace.js';

/** How long interactive work may have waited while more is resubmitted. */
const interactiveWaitMs = 1000;
/** Steps of one receipt before the next one gets its turn. */
const stepsMax = 50;
export const carryOnIntervalMs = 250;
const roundsPerLook = 4;

export interface CarryOnOptions {
  readonly store: Pick<RegistryStore, 'takeReceipts' | 'carryOn'>;
  /** What is open now, as young as counting it may cost. */
  readonly queue: () => Promise<{ readonly rows: readonly QueueRow[] }>;
  readonly caller: () => Caller;
  readonly pace: Pace;
  readonly log: Log;
}

/** Why nothing more is to be resubmitted now; undefined: go on. */
async function busyWith({ queue, log }: CarryOnOptions): Promise<string | undefined> {
  let rows: readonly QueueRow[];
  try {
    ({ rows } = await queue());
  } catch (err) {
    log.warn({ event: 'receipts-wait', err }, 'how long interactive work waits is not known; nothing is resubmitted');
    return 'a look at the queue, which could not be read';
  }
  const oldestMs = Math.max(0, ...rows.filter((row) => row.class === 'interactive').map((row) => row.oldestAgeMs));
  return oldestMs > interactiveWaitMs ? `interactive work, which has waited ${Math.round(oldestMs)} ms` : undefined;
}

/**
 * What operators ordered in bulk. One round takes every receipt that this process holds, or that nobody does, some steps
 * further. Safe in several registries at once: each receipt is carried on by one of them, under a lease of 5 s.
 * Crash between two steps: another process goes on when the lease is over. A receipt at fault harms only itself.
 */
export function createCarryOn(options: CarryOnOptions): (signal: AbortSignal) => Promise<void> {
  const { store, caller, log } = options;
  let round = 0;
  return async (signal) => {
    const taken = await store.takeReceipts(caller());
    const busy = taken.some(({ state }) => state === 'running') ? await busyWith(options) : undefined;
    // What has arrived behind a hold is not in a hurry: no claim takes it.
    const looksAtArrivals = round % roundsPerLook === 0;
    round += 1;
    for (const receipt of taken) {
      if (signal.aborted) return;
      if (receipt.state === 'holding' && !looksAtArrivals) continue;
      try {
        await carryOnOne(options, receipt, busy, signal);
      } catch (err) {
        log.warn(
          { event: 'receipt-stuck', receipt: receipt.id, err },
          'a bulk act got no further; trying again at once',
        );
      }
    }
  };
}

async function carryOnOne(
  { store, caller, pace, log }: CarryOnOptions,
  { id, verb, state, ratePerS }: TakenReceipt,
  busy: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  for (let steps = 0; steps < stepsMax && !signal.aborted; steps += 1) {
    const max = ratePerS === null || busy !== undefined ? 0 : pace.allowance(id, ratePerS);
    if (verb === 'resubmit' && max <= 0 && busy === undefined) return;
    const step = await store.carryOn(caller(), id, { max, waitsFor: busy });
    pace.took(id, step.moved);
    if (step.state !== state) {
      log.info({ event: 'receipt', receipt: id, verb, state: step.state }, 'a bulk act is further');
      return;
    }
    if (step.state === 'holding' || (verb === 'resubmit' && busy !== undefined)) return;
  }
}
