import type { RegistryStore } from '@sluice/ledger';
import { every, type Log, type Part } from '@sluice/lifecycle';
import type { Metrics } from '@sluice/telemetry';
import { type Acknowledgements, createAcknowledgements } from './acknowledgements.js';
import { createStreams, type Streams } from './streams.js';
import { createVersions, type Versions } from './versions.js';

/** The push with proof: what subscribers are told, and what they say of it. */
export interface Push {
  readonly versions: Versions;
  readonly streams: Streams;
  readonly acknowledgements: Acknowledgements;
  /** Sees each new version: by the ledger's notices, and by a look a second whatever becomes of those. */
  readonly watch: Part;
  /** The newest epoch that this process has seen; 0 before the first look. */
  readonly seenEpoch: () => bigint;
}

const lookIntervalMs = 1000;

export function createPush(options: {
  readonly store: RegistryStore;
  readonly monotonicMs: () => number;
  readonly metrics: Metrics;
  readonly log: Log;
}): Push {
  const { store, monotonicMs, metrics, log } = options;
  const versions = createVersions({
    ...{ store, monotonicMs },
    onChange(replaced) {
      if (!replaced) return streams.advance();
      log.error(
        { event: 'registry-replaced', epoch: String(versions.newest()?.epoch) },
        'the ledger holds another state than it did under this epoch or a later one: was an older one put back?',
      );
      acknowledgements.forgetDigests();
      // Each stream that comes back is told what the registry is now, and its subscriber refuses to go back.
      streams.endAll();
    },
  });
  const streams = createStreams({ versions, monotonicMs, log });
  const acknowledgements = createAcknowledgements({ store, streams, versions });
  metrics.gauge('streams', 'Subscribers whose stream is at this process', [], (gauge) => gauge.set(streams.count));
  const looks = every('look-at-epoch', lookIntervalMs, versions.look, log);
  let listening: Promise<{ close(): Promise<void> }> | undefined;
  // A look that fails is told by the one that follows within a second.
  const hint = (): void => void versions.look().catch(() => undefined);

  return {
    versions,
    streams,
    acknowledgements,
    seenEpoch: () => versions.newest()?.epoch ?? 0n,
    watch: {
      name: 'watch-epoch',
      async start() {
        listening = store.onEpoch(hint);
        await listening;
        await looks.start();
      },
      async stop(deadlineMs) {
        await looks.stop(deadlineMs);
        await (await listening)?.close();
      },
    },
  };
}
