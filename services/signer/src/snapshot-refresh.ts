import { asSluiceError } from '@sluice/errors';
import type { Logger } from '@sluice/telemetry';
import type { Clock } from './clock.js';

const soonIntervalMs = 250;

/** Reads the registry again when the ledger turned out to be ahead of our snapshot. */
export interface SnapshotRefresh {
  /** Resolves when the newest snapshot is in force; throws when the registry is away. */
  now(): Promise<void>;
  /** The same, not waited for and at most four times a second: claims may say it of every batch. */
  soon(profiles: readonly string[]): void;
}

export function createSnapshotRefresh(
  refreshNow: () => Promise<void>,
  { clock, log }: { readonly clock: Pick<Clock, 'monotonicMs'>; readonly log: Logger },
): SnapshotRefresh {
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    now: refreshNow,
    soon(profiles) {
      if (clock.monotonicMs() - lastMs < soonIntervalMs) return;
      lastMs = clock.monotonicMs();
      refreshNow().catch((thrown: unknown) => {
        const facts = { event: 'snapshot-stale', profiles, err: asSluiceError(thrown) };
        log.warn(facts, 'newer profiles exist and the registry does not answer; their work waits');
      });
    },
  };
}
