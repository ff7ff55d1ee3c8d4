import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { Breakers } from '@sluice/breaker';
import { SluiceError } from '@sluice/errors';
import { every, type Log, type Part } from '@sluice/lifecycle';
import type { Snapshot } from '@sluice/registry-protocol';
import { fetchSnapshot } from './fetch-snapshot.js';
import { latestAfter } from './latest-after.js';
import { createSnapshotFile } from './snapshot-file.js';

export interface RegistryClientOptions {
  /** `http://127.0.0.1:4300` */
  readonly registryUrl: string;
  /** The subscriber's name, under which its public key is registered. */
  readonly serviceName: string;
  /** Which program this is: `signer`. For the log. */
  readonly service: string;
  /** Ed25519, PKCS#8 PEM. */
  readonly privateKeyPem: string;
  /** Where the newest snapshot is kept for a start without the registry. */
  readonly snapshotFile: string;
  readonly log: Log;
  /** For tokens. */
  readonly clock: () => Date;
  /** For the age of what we know, whatever happens to the wall clock. */
  readonly monotonicMs?: () => number;
  /**
   * Applies a newer snapshot; awaited before `current()` gives it. When it throws, the older one stays in force, the
   * error is logged, and the same snapshot is tried again a second later.
   */
  readonly onSnapshot: (snapshot: Snapshot) => Promise<void> | void;
  /** Looks go through a breaker `registry` of these, so that nobody waits for a registry that hangs. */
  readonly breakers?: Breakers;
  /** Between two looks at the registry; default 1 s. */
  readonly intervalMs?: number;
  /** For one look; default 2 s. */
  readonly timeoutMs?: number;
  /** How long `start` waits for a first snapshot when there is none on disk; default 30 s. */
  readonly firstSnapshotMs?: number;
  /** Silence of the registry after which what we know is called stale; default 15 s. */
  readonly staleAfterMs?: number;
}

export interface CurrentSnapshot {
  readonly snapshot: Snapshot;
  /** Read from disk, or the registry has been silent: it may be old. The claim decides all the same. */
  readonly stale: boolean;
}

export interface RegistryClient extends Part {
  /** The snapshot in force; `undefined` before `start` has resolved. */
  current(): CurrentSnapshot | undefined;
  /** Epoch in force, 0 before the first: what a lease reports as applied. */
  appliedEpoch(): bigint;
  /**
   * Looks at the registry now; resolves when what it said is in force. Callers at once share one look, never one that
   * began before they asked. Throws `unavailable`, `unauthorized`, `conflict` (rolled back) or what `onSnapshot` threw.
   */
  refreshNow(): Promise<void>;
}

function readPrivateKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (error) {
    throw new SluiceError('config-invalid', 'The service key is not a private key in PEM', { cause: error });
  }
  throw new SluiceError('config-invalid', 'The service key is not an Ed25519 key');
}

/** Keeps the newest snapshot of the registry: applied, on disk, and honest about its age. */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const { registryUrl, serviceName, service, log, clock, onSnapshot } = options;
  const { intervalMs = 1000, timeoutMs = 2000, firstSnapshotMs = 30_000, staleAfterMs = 15_000 } = options;
  const { monotonicMs = () => performance.now() } = options;
  const privateKey = readPrivateKey(options.privateKeyPem);
  const file = createSnapshotFile(options.snapshotFile, log);
  let applied: Snapshot | undefined;
  let heardAtMs: number | undefined;
  let away = false;
  /** Said once, not once a second. */
  let refusedEpoch: string | undefined;

  const epoch = (): bigint => BigInt(applied?.epoch ?? 0);

  async function apply(snapshot: Snapshot): Promise<void> {
    if (BigInt(snapshot.epoch) < epoch()) {
      // A registry restored from an older backup, or the wrong one. A person has to look: applying it could bring back
      // a CA that was disabled.
      const facts = { offered: snapshot.epoch, applied: String(epoch()) };
      if (refusedEpoch !== snapshot.epoch) {
        log.error({ event: 'epoch-rolled-back', ...facts }, 'the registry offers an older state than was applied');
      }
      refusedEpoch = snapshot.epoch;
      throw new SluiceError('conflict', 'The registry offers an older state than was applied', { facts });
    }
    await onSnapshot(snapshot);
    applied = snapshot;
    log.info({ event: 'snapshot-applied', epoch: snapshot.epoch, service }, 'registry snapshot applied');
  }

  async function keep(snapshot: Snapshot): Promise<void> {
    try {
      await file.write(snapshot);
    } catch (err) {
      // In force all the same: the file only serves a start without the registry.
      log.error({ event: 'snapshot-file-failed', err }, 'the snapshot could not be kept on disk');
    }
  }

  const fetchNow = (): Promise<Snapshot | 'unchanged'> =>
    fetchSnapshot({ registryUrl, name: serviceName, privateKey, clock, timeoutMs, knownEpoch: applied?.epoch });
  const breaker = options.breakers?.create({
    name: 'registry',
    backOff: 'dependency',
    // What it says is left to the next look, at most a second later.
    probe: fetchNow,
    refuse: () => new SluiceError('unavailable', 'The registry is away', { facts: { registry: registryUrl } }),
  });

  const refreshNow = latestAfter(async () => {
    const fetched = await (breaker ? breaker.run(fetchNow) : fetchNow());
    if (fetched !== 'unchanged' && fetched.epoch !== applied?.epoch) {
      await apply(fetched);
      await keep(fetched);
    }
    heardAtMs = monotonicMs();
    if (away) log.info({ event: 'registry-back' }, 'the registry answers again');
    away = false;
  });

  /** The error is logged at its first appearance; while it lasts, the age of the snapshot tells the rest. */
  async function look(): Promise<void> {
    try {
      await refreshNow();
    } catch (err) {
      if (!away)
        log.warn({ event: 'registry-away', err }, 'no snapshot from the registry; the last one stays in force');
      away = true;
    }
  }

  const loop = every('registry-client', intervalMs, look, log);
  const startDeadline = new AbortController();

  async function firstSnapshot(): Promise<void> {
    const stored = await file.read();
    if (stored !== undefined) {
      await apply(stored).catch((err: unknown) => {
        log.warn(
          { event: 'snapshot-file-unusable', err },
          'the stored snapshot cannot be applied; asking the registry',
        );
      });
    }
    const endMs = performance.now() + firstSnapshotMs;
    await look();
    while (applied === undefined && !startDeadline.signal.aborted) {
      if (performance.now() >= endMs) {
        throw new SluiceError('unavailable', `No snapshot from the registry within ${firstSnapshotMs} ms`, {
          facts: { registry: registryUrl },
        });
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(intervalMs, 250)));
      await look();
    }
  }

  return {
    name: 'registry-client',
    async start() {
      await firstSnapshot();
      await loop.start();
    },
    async stop(deadlineMs) {
      startDeadline.abort();
      await loop.stop(deadlineMs);
    },
    current() {
      if (applied === undefined) return undefined;
      const stale = heardAtMs === undefined || monotonicMs() - heardAtMs > staleAfterMs;
      return { snapshot: applied, stale };
    },
    appliedEpoch: epoch,
    refreshNow,
  };
}
