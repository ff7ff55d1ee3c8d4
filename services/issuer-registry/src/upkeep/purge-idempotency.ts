import type { RegistryStore } from '@sluice/ledger';
import type { Log } from '@sluice/lifecycle';

/** Keys in one statement: their locks are held for some milliseconds. */
export const purgeKeysMax = 5000;
/** Statements in one call: far more than a minute's requests make, and an end when something is wrong. */
export const purgeRoundsMax = 200;

export interface PurgeOptions {
  readonly store: Pick<RegistryStore, 'purgeIdempotency'>;
  /** Told of the keys of each round. */
  readonly purged: (count: number) => void;
  readonly log: Log;
}

/**
 * Deletes the idempotency keys that are past their 72 h, round by round until one finds less than it may take. Durable
 * round by round: what a crash leaves, the next minute takes. Safe in several registries at once. Throws what the ledger throws.
 */
export async function purgeIdempotency({ store, purged, log }: PurgeOptions): Promise<void> {
  for (let round = 0; round < purgeRoundsMax; round += 1) {
    const count = await store.purgeIdempotency(purgeKeysMax);
    purged(count);
    if (count < purgeKeysMax) return;
  }
  const facts = { event: 'purge-behind', keys: purgeKeysMax * purgeRoundsMax };
  log.warn(facts, 'more idempotency keys are past their time than one call deletes; going on in a minute');
}
