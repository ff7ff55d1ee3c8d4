import { randomBytes } from 'node:crypto';
import { asSluiceError, SluiceError } from '@sluice/errors';
import { requestClasses } from '@sluice/issuance';
import { createFileKeyStore, type KeyStore } from '@sluice/key-store';
import { createSignerLedger, type SignerLedger } from '@sluice/ledger';
import { type Checkpoint, every, noCheckpoint, type Part } from '@sluice/lifecycle';
import { assertQueueRedis, createBell, createTurnConsumer, createTurnProducer } from '@sluice/queue';
import { createLease, createRegistryClient } from '@sluice/registry-client';
import { createLogger, createMetrics, createStatusRoutes, createStatusServer, type Logger } from '@sluice/telemetry';
import { createBatchSize } from './batch-size.js';
import { createCaBackOff } from './ca-back-off.js';
import { ClaimSlots } from './claim-slots.js';
import { type Clock, systemClock } from './clock.js';
import type { SignerConfig } from './config.js';
import { createLanePump } from './lane-pump.js';
import { createLanes } from './lanes.js';
import { readiness, tokenStanding } from './readiness.js';
import type { SignerContext } from './signer-context.js';
import { createSignerMetrics } from './signer-metrics.js';
import { createSnapshotRefresh } from './snapshot-refresh.js';
import { sweepOnce } from './sweep-once.js';
import { createTemplates } from './templates.js';

const service = 'signer';
/** Cycles (claim, sign, complete) side by side: while one signs, others claim and complete. */
const claimsInFlightMax = 4;
const sweepIntervalMs = 1000;

/** What a test may put in the place of the real thing. */
export interface Overrides {
  readonly keyStore?: KeyStore;
  /** Called at `signer:before-claim`, `…:after-claim`, and so on for sign, complete and sweep. */
  readonly checkpoint?: Checkpoint;
  readonly ledger?: SignerLedger;
  readonly clock?: Clock;
  readonly log?: Logger;
}

export interface Context {
  readonly log: Logger;
  /** To be run in this order. */
  readonly parts: readonly Part[];
  /** Where health, readiness and metrics are served; throws before the parts run. */
  readonly address: () => { host: string; port: number };
}

/** The only place that wires. Starts nothing: the parts do, in their order. */
export function createContext(config: SignerConfig, overrides: Overrides = {}): Context {
  const { name, keyGroup, redisUrl, leaseMs } = config;
  const log = overrides.log ?? createLogger({ service, name, level: config.logLevel });
  const clock = overrides.clock ?? systemClock;
  const ledger = overrides.ledger ?? createSignerLedger({ url: config.databaseUrl });
  const keyStore =
    overrides.keyStore ??
    createFileKeyStore({ dir: config.keyStoreDir, passphrase: config.keyPassphrase, token: config.token });
  const metrics = createMetrics(service);
  const signerMetrics = createSignerMetrics(metrics);
  const bell = createBell({ redisUrl, log });
  const producer = createTurnProducer({ redisUrl, log });

  const lease = createLease({
    enrol: () => ledger.enrol(name),
    renew: (caller, epoch) => ledger.renew(caller, epoch),
    appliedEpoch: () => registry.appliedEpoch(),
    log,
  });
  const templates = createTemplates({ keyGroup, ledger, caller: lease.caller, log, metrics: signerMetrics });
  const registry = createRegistryClient({
    registryUrl: config.registryUrl,
    serviceName: name,
    service,
    privateKeyPem: config.serviceKeyPem,
    snapshotFile: config.snapshotFile,
    log,
    clock: () => clock.now(),
    onSnapshot: templates.apply,
  });

  const lanes = createLanes({ pumps: () => pumps, consumers: () => consumers, clock, log });
  const context: SignerContext = {
    ledger,
    caller: lease.caller,
    renewNow: lease.renewNow,
    keyStore,
    templates,
    snapshotRefresh: createSnapshotRefresh(registry.refreshNow, { clock, log }),
    bell,
    backOff: createCaBackOff(clock),
    batchSize: createBatchSize(),
    clock,
    randomBytes,
    leaseMs,
    mustStop: lanes.mustStop,
    checkpoint: overrides.checkpoint ?? noCheckpoint,
    metrics: signerMetrics,
    log,
    audit: log.child({ audit: true }),
  };
  const slots = new ClaimSlots(claimsInFlightMax);
  const pumps = requestClasses.map((requestClass) => createLanePump(context, slots, { class: requestClass, keyGroup }));
  const consumers = pumps.map(({ lane, onTurn }) =>
    createTurnConsumer({ redisUrl, lane, concurrency: claimsInFlightMax, onTurn, log }),
  );

  let sweptAtMs = Number.NEGATIVE_INFINITY;
  const sweep = every(
    'sweep',
    sweepIntervalMs,
    async () => {
      await sweepOnce(context, producer);
      sweptAtMs = clock.monotonicMs();
    },
    log,
  );
  const routes = createStatusRoutes({
    metrics,
    ready: () =>
      readiness({
        keyStore,
        ledgerSilentMs: () => clock.monotonicMs() - sweptAtMs,
        caller: lease.caller,
        snapshot: registry.current,
        queueHealth: producer.health,
        templatesRefused: () => templates.counts().refused,
      }),
  });
  const status = createStatusServer({ listen: config.listen, routes, log });

  return {
    log,
    address: status.address,
    parts: [
      status,
      closing('ledger', () => ledger.close()),
      queuePart(redisUrl, log, async () => {
        await Promise.allSettled([bell.close(), producer.close()]);
      }),
      keyStorePart(keyStore),
      lease,
      registry,
      every('templates', 1000, templates.registerPending, log),
      lanes,
      sweep,
    ],
  };
}

/** A part that has nothing to start and is closed when all that use it have stopped. */
function closing(name: string, close: () => Promise<void>): Part {
  let open = true;
  return {
    name,
    start: async () => undefined,
    async stop() {
      if (!open) return;
      open = false;
      await close();
    },
  };
}

/** Refuses a Redis that would evict turns; starts without one that is away, since polling serves until it is back. */
function queuePart(redisUrl: string, log: Logger, close: () => Promise<void>): Part {
  return {
    ...closing('queue', close),
    async start() {
      try {
        await assertQueueRedis(redisUrl);
      } catch (thrown) {
        const error = asSluiceError(thrown);
        if (error.code === 'config-invalid') throw error;
        log.warn({ event: 'queue-away', err: error }, 'Redis does not answer; the ledger is asked once a second');
      }
    },
  };
}

/** A token that does not open at the start is a wrong pass phrase or a volume that is not mounted: better not to start. */
function keyStorePart(keyStore: KeyStore): Part {
  return {
    ...closing('key-store', () => keyStore.close()),
    async start() {
      const standing = await tokenStanding(keyStore);
      if (standing !== 'ok') throw new SluiceError('token-failed', standing, { facts: { token: keyStore.token } });
    },
  };
}
