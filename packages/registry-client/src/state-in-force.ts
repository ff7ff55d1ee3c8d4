import { SluiceError } from '@sluice/errors';
import type { Log } from '@sluice/lifecycle';
import type { Snapshot } from '@sluice/registry-protocol';
import type { Held, Origin } from './lineage.js';
import type { SnapshotFile } from './snapshot-file.js';

/** Makes a state ready and tests it; nothing of it counts before what this gives back is called. Throws: it is refused. */
export type Prepare = (snapshot: Snapshot) => Commit | Promise<Commit>;
/** From this call on the new state counts, at once; what it awaits only completes it, and may fail: it counts all the same. */
export type Commit = () => void | Promise<void>;

export interface Version {
  readonly epoch: bigint;
  readonly digest: Uint8Array;
}

/** The one state that counts in this process, and its copy on disk. */
export interface StateInForce {
  snapshot(): Snapshot | undefined;
  /** What it was said to be when it came; `undefined` before the first. */
  held(): Held | undefined;
  /** 0 before the first. */
  epoch(): bigint;
  /** All that began under an older state has ended. */
  alone(): boolean;
  /**
   * In force and on disk when it resolves. The promise in its answer resolves when all that began under an older state
   * has ended. Throws what `prepare` threw: the older state stays in force.
   */
  apply(snapshot: Snapshot, origin: Origin): Promise<{ readonly earlierEnded: Promise<void> }>;
  /** Resolves when this epoch, or a later one, is in force. Throws `unavailable` after so many milliseconds. */
  applied(epoch: bigint, waitMs: number): Promise<void>;
}

export function createStateInForce(options: {
  readonly prepare: Prepare;
  /** Resolves when all that is under way now has ended. */
  readonly earlierEnded: () => Promise<void>;
  readonly file: Pick<SnapshotFile, 'write'>;
  readonly log: Log;
}): StateInForce {
  const { prepare, file, log } = options;
  const waiting = new Set<() => void>();
  let inForce: Snapshot | undefined;
  let inForceFrom: Origin | undefined;
  let aloneInForce: Snapshot | undefined;

  const epoch = (): bigint => BigInt(inForce?.epoch ?? 0);

  async function keep(snapshot: Snapshot, origin: Origin): Promise<void> {
    try {
      await file.write(snapshot, origin);
    } catch (err) {
      // In force all the same: whoever starts from an older file may not act until it has caught up with what was
      // confirmed (the ledger sees to that).
      log.error({ event: 'snapshot-file-failed', err }, 'the snapshot could not be kept on disk');
    }
  }

  /** Whoever has it in force and says it is not would never be waited for again. */
  async function complete(snapshot: Snapshot, completing: void | Promise<void>): Promise<void> {
    try {
      await completing;
    } catch (err) {
      log.error(
        { event: 'snapshot-incomplete', epoch: snapshot.epoch, err },
        'a state in force could not be completed',
      );
    }
  }

  return {
    snapshot: () => inForce,
    held: () => inForceFrom && { ...inForceFrom, epoch: epoch() },
    epoch,
    alone: () => aloneInForce === inForce,
    async apply(snapshot, origin) {
      const commit = await prepare(snapshot);
      const completing = commit();
      const earlierEnded = options.earlierEnded().then(() => {
        if (inForce === snapshot) aloneInForce = snapshot;
      });
      [inForce, inForceFrom] = [snapshot, origin];
      await complete(snapshot, completing);
      log.info({ event: 'snapshot-applied', epoch: snapshot.epoch }, 'registry state applied');
      for (const look of waiting) look();
      await keep(snapshot, origin);
      return { earlierEnded };
    },
    applied(wanted, waitMs) {
      if (epoch() >= wanted) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const look = (): void => {
          if (epoch() < wanted) return;
          end();
          resolve();
        };
        const end = (): void => {
          clearTimeout(timer);
          waiting.delete(look);
        };
        const timer = setTimeout(() => {
          end();
          const facts = { wanted: String(wanted), applied: String(epoch()) };
          reject(new SluiceError('unavailable', 'The registry did not push this change in time', { facts }));
        }, waitMs);
        waiting.add(look);
      });
    },
  };
}
