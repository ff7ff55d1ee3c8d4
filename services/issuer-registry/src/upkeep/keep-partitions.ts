import type { RegistryStore } from '@sluice/ledger';
import type { Log } from '@sluice/lifecycle';

export const partitionDaysAhead = 14;
/** Fewer than this many days ahead, and somebody has to look. */
export const partitionDaysAheadMin = 7;
const againAfterMs = 3_600_000;
const dayMs = 24 * againAfterMs;

export interface PartitionStanding {
  readonly daysAhead: number;
  readonly rowsInDefault: number;
}

export interface PartitionKeeper {
  /** Makes partitions when an hour has passed since the last success; to be called about every minute. */
  keep(): Promise<void>;
  /** As it stands now, by the last success; `undefined` before the first. */
  standing(): PartitionStanding | undefined;
}

/**
 * Keeps the ledger's partitions made ahead. Requests go into the partition of their own id's time; one that is missing
 * costs nothing at once, since a default partition catches the rows, but moving them later is work under load.
 */
export function createPartitionKeeper(options: {
  readonly store: Pick<RegistryStore, 'makePartitions'>;
  readonly clock: () => Date;
  readonly log: Log;
}): PartitionKeeper {
  const { store, clock, log } = options;
  let madeAtMs = -Infinity;
  let latest: PartitionStanding | undefined;
  return {
    async keep() {
      if (clock().getTime() - madeAtMs < againAfterMs) return;
      const { made, daysAhead, rowsInDefault } = await store.makePartitions(partitionDaysAhead);
      madeAtMs = clock().getTime();
      latest = { daysAhead, rowsInDefault };
      const facts = { daysAhead, rowsInDefault, made: made.length };
      if (daysAhead < partitionDaysAheadMin || rowsInDefault > 0) {
        log.error({ event: 'partitions-short', ...facts }, 'partitions are missing ahead or were missed');
      } else if (made.length > 0) {
        log.info({ event: 'partitions-made', ...facts }, 'partitions made ahead');
      }
    },
    standing() {
      if (latest === undefined) return undefined;
      // Days pass whether or not anything could be made meanwhile.
      const daysSince = Math.floor((clock().getTime() - madeAtMs) / dayMs);
      return { ...latest, daysAhead: latest.daysAhead - daysSince };
    },
  };
}
