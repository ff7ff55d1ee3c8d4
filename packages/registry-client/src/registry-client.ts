import { setTimeout as wait } from 'node:timers/promises';
import type { Breakers } from '@sluice/breaker';
import { SluiceError } from '@sluice/errors';
import { createOutageLog, type Log, type Part, within } from '@sluice/lifecycle';
import { createKeptDigest, type Snapshot } from '@sluice/registry-protocol';
import { createAcknowledger } from './acknowledger.js';
import { followStream } from './follow-stream.js';
import type { Lease, LeaseHolder } from './lease.js';
import { reconnectDelayMs } from './reconnect-delay.js';
import { createRegistryCalls } from './registry-calls.js';
import { createSignal } from './signal.js';
import { createSnapshotFile } from './snapshot-file.js';
import { createStateInForce, type Prepare } from './state-in-force.js';

export interface RegistryClientOptions {
  /** `http://127.0.0.1:4300` */
  readonly registryUrl: string;
  /** The subscriber's name, under which its public key is registered. */
  readonly serviceName: string;
  /** Ed25519, PKCS#8 PEM. */
  readonly privateKeyPem: string;
  /** Where the newest snapshot is kept for a start without the registry. */
  readonly snapshotFile: string;
  /** Who this process is in the ledger. */
  readonly lease: Pick<Lease<LeaseHolder>, 'caller' | 'renewNow'>;
  readonly prepare: Prepare;
  /** Resolves when what is under way now has ended; an epoch is acknowledged when all that began under an older one has. */
  readonly earlierEnded: () => Promise<void>;
  readonly log: Log;
  /** For tokens. */
  readonly clock: () => Date;
  /** For the age of what we know, whatever happens to the wall clock. */
  readonly monotonicMs?: () => number;
  /** 0 ≤ x < 1: jitter. */
  readonly random?: () => number;
  /** `registry` is shown among these: open while there is no stream. */
  readonly breakers?: Pick<Breakers, 'show'>;
  /** Silence on a stream after which another one is opened; default 10 s, two heartbeats. */
  readonly silentAfterMs?: number;
  /** How long `stream` waits at its start for a first snapshot when there is none on disk; default 30 s. */
  readonly firstSnapshotMs?: number;
  /** Age of the last word that ours is the newest state after which it is called stale; default 15 s. */
  readonly staleAfterMs?: number;
}

export interface CurrentSnapshot {
  readonly snapshot: Snapshot;
  /** Read from disk, or the registry has been silent: it may be old. The claim decides all the same. */
  readonly stale: boolean;
}

/** Keeps the registry's newest state in force, on disk, acknowledged, and honest about its age. */
export interface RegistryClient {
  /** To be started before the lease: what is on disk comes into force, so that the enrolment tells its epoch. */
  readonly fromDisk: Part;
  /** To be started after the lease: its start resolves when a state is in force; throws `unavailable` when none comes. */
  readonly stream: Part;
  /** The state in force; `undefined` before the first. */
  current(): CurrentSnapshot | undefined;
  /** Epoch in force, 0 before the first: what a lease reports as applied. */
  appliedEpoch(): bigint;
  /** The registry that is there is not the one that the state is from, or was put back to an older state: a person has to look. */
  refusing(): boolean;
  /** Resolves when this epoch, or a later one, is in force. Throws `unavailable` when it is not in so many milliseconds. */
  applied(epoch: bigint, waitMs: number): Promise<void>;
}

/** With a state from disk in force, a start waits so long for a newer one. */
const fresherWaitMs = 2000;

export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const { registryUrl, serviceName: name, log, lease } = options;
  const { silentAfterMs = 10_000, firstSnapshotMs = 30_000, staleAfterMs = 15_000 } = options;
  const { monotonicMs = () => performance.now(), random = Math.random } = options;
  const { privateKeyPem, clock, prepare, earlierEnded } = options;
  const calls = createRegistryCalls({ registryUrl, name, privateKeyPem, clock, silentAfterMs });
  const file = createSnapshotFile(options.snapshotFile, log);
  const state = createStateInForce({ prepare, earlierEnded, file, log });
  const acknowledger = createAcknowledger({ name, calls, log });
  const digests = createKeptDigest();
  const stopping = new AbortController();
  const firstFresh = createSignal();
  const outage = createOutageLog({
    ...{ log, name: 'push', monotonicMs },
    messages: {
      failed: 'what came from the registry is in doubt or cannot be applied; the older state stays in force',
      again: 'what is in force is what the registry says it should be',
    },
  });
  let freshAtMs: number | undefined;
  let open = false;
  let fruitless = 0;
  let said: 'nothing' | 'away' | 'back' = 'nothing';
  let refused: string | undefined;
  let running: Promise<void> | undefined;
  options.breakers?.show('registry', () => (open ? 'closed' : 'open'));

  const follow = (whole: boolean) =>
    followStream(
      {
        ...{ calls, state, digests, acknowledger, onOpen, onFresh, onRefused, monotonicMs, outage },
        incarnation: () => lease.caller().incarnation,
      },
      whole,
      stopping.signal,
    );

  function onOpen(): void {
    open = true;
    if (said === 'away') log.info({ event: 'registry-back' }, 'the registry answers again');
    said = 'back';
  }

  function onFresh(heardAtMs: number): void {
    freshAtMs = heardAtMs;
    firstFresh.end();
    fruitless = 0;
    refused = undefined;
  }

  /** A registry restored from an older backup, or the wrong one: applying it could bring back a CA that was disabled. */
  function onRefused(offered: string, because: string): void {
    const facts = { offered, applied: String(state.epoch()) };
    // An alarm each time another one is offered, not with each heartbeat.
    if (refused !== offered) log.error({ event: 'epoch-rolled-back', ...facts }, because);
    refused = offered;
    acknowledger.refused(offered, new SluiceError('epoch-rolled-back', because, { facts }));
  }

  /** One stream after the other. */
  async function run(): Promise<void> {
    let whole = false;
    while (!stopping.signal.aborted) {
      const ended = await follow(whole);
      if (stopping.signal.aborted) return;
      const { err } = ended;
      whole = ended.whole;
      // Whoever said what is in doubt, or what is refused, is not away.
      open = whole;
      if (whole) outage.failed(err);
      else if (said !== 'away')
        log.warn({ event: 'registry-away', err }, 'no stream from the registry; the last state stays in force');
      if (!whole) said = 'away';
      if (err.code === 'fenced') await lease.renewNow().catch(() => undefined);
      await wait(reconnectDelayMs(fruitless, random), undefined, { signal: stopping.signal }).catch(() => undefined);
      fruitless += 1;
    }
  }

  async function fromDisk(): Promise<void> {
    const stored = await file.read();
    if (stored === undefined) return;
    try {
      const digest = await digests.of(stored.state);
      if (Buffer.from(digest).toString('base64url') !== stored.origin.digest)
        throw new SluiceError('conflict', 'It is not what was stored');
      await state.apply(stored.state, stored.origin);
      acknowledger.ended({ epoch: state.epoch(), digest });
    } catch (err) {
      log.warn({ event: 'snapshot-file-unusable', err }, 'the stored snapshot cannot be applied; asking the registry');
    }
  }

  async function begin(): Promise<void> {
    running = run();
    const waitMs = state.snapshot() === undefined ? firstSnapshotMs : fresherWaitMs;
    await within(waitMs, firstFresh.promise);
    if (state.snapshot() !== undefined || stopping.signal.aborted) return;
    stopping.abort();
    throw new SluiceError('unavailable', `No snapshot from the registry within ${waitMs} ms`, {
      facts: { registry: registryUrl },
    });
  }

  return {
    fromDisk: { name: 'registry-snapshot', start: fromDisk, stop: async () => undefined },
    stream: {
      name: 'registry-stream',
      start: begin,
      async stop(deadlineMs) {
        stopping.abort();
        firstFresh.end();
        if (running) await within(deadlineMs, running);
      },
    },
    current() {
      const snapshot = state.snapshot();
      if (snapshot === undefined) return undefined;
      return { snapshot, stale: freshAtMs === undefined || monotonicMs() - freshAtMs > staleAfterMs };
    },
    appliedEpoch: state.epoch,
    refusing: () => refused !== undefined,
    applied: state.applied,
  };
}
