import type { RegistryStore } from '@sluice/ledger';
import { snapshotView } from '../views/snapshot-view.js';

export interface SnapshotSource {
  /** The present epoch, from the ledger. */
  epoch(): Promise<bigint>;
  /** JSON of the state at that epoch or a later one, made once for all who ask. */
  snapshot(epoch: bigint): Promise<{ readonly epoch: bigint; readonly json: string }>;
  /** The newest epoch this process has seen; 0 before the first look. */
  seenEpoch(): bigint;
}

/** Subscribers look once a second each; the state is read and written out once per epoch. */
export function createSnapshotSource(store: Pick<RegistryStore, 'epoch' | 'state'>): SnapshotSource {
  let cached: { readonly epoch: bigint; readonly json: string } | undefined;
  let reading: Promise<{ readonly epoch: bigint; readonly json: string }> | undefined;
  let seen = 0n;

  async function read(): Promise<{ readonly epoch: bigint; readonly json: string }> {
    const state = await store.state();
    cached = { epoch: state.epoch, json: JSON.stringify(snapshotView(state)) };
    return cached;
  }

  return {
    async epoch() {
      seen = await store.epoch();
      return seen;
    },
    async snapshot(epoch) {
      if (cached?.epoch === epoch) return cached;
      reading ??= read().finally(() => {
        reading = undefined;
      });
      const shared = await reading;
      // A reading begun before this epoch was seen may be older than it: once more, by ourselves.
      return shared.epoch >= epoch ? shared : await read();
    },
    seenEpoch: () => seen,
  };
}
