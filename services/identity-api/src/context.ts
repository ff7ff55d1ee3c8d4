import { randomBytes } from 'node:crypto';
import { createBreakers } from '@sluice/breaker';
import { asSluiceError, SluiceError } from '@sluice/errors';
import { createIdentityLedger, type IdentityLedger, newRequestId } from '@sluice/ledger';
import { type Checkpoint, createUnderWay, every, noCheckpoint, type Part } from '@sluice/lifecycle';
import { checkProfile, readCertificate } from '@sluice/pki';
import { assertQueueRedis, createBell, createTurnProducer, createWindowCounter } from '@sluice/queue';
import { createClockWatch, createLease, createRegistryClient, createReporter } from '@sluice/registry-client';
import { createBlockedKeyIndex, inSlices } from '@sluice/registry-protocol';
import { createLogger, createMetrics, createStatusRoutes, type Logger, type Readiness } from '@sluice/telemetry';
import { createApp } from './app.js';
import { type Clock, systemClock } from './clock.js';
import type { Config } from './config.js';
import { createDirectory, type Directory } from './directory.js';
import type { Front } from './front.js';
import { createFrontMetrics, type FrontMetrics, showForecast } from './front-metrics.js';
import { createHttpServer, type HttpServer } from './http-server.js';
import { createNonces } from './nonces.js';
import { readiness } from './readiness.js';
import { createRefusalTally } from './refusal-tally.js';
import { createRefuseUnreadable } from './refuse-unreadable.js';
import { testDirectory } from './self-test.js';
import { createCharges } from './steps/1-charge.js';
import { createAdmission } from './steps/3-admit.js';
import { createLoadView } from './steps/3-load-view.js';
import { createGiveTurns } from './steps/5-give-turns.js';
import { createWaiters } from './steps/9-waiters.js';

/** Connections of one process that may wait at once. */
const waitersMax = 20_000;
/** Of those, for one request: who joins beyond is told where to look. */
const waitersPerRequestMax = 1000;
const loadIntervalMs = 1000;

export interface Context {
  readonly log: Logger;
  /** In starting order. */
  readonly parts: readonly Part[];
  readonly httpServer: HttpServer;
}

/** What a test's process entry composes differently. */
export interface Overrides {
  /** `identity-api:before-accept`, `identity-api:after-accept`, `identity-api:before-answer`. */
  readonly checkpoint?: Checkpoint;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** What stands between the service and its ledger. */
  readonly aroundLedger?: (ledger: IdentityLedger) => IdentityLedger;
}

const asItIs = (ledger: IdentityLedger): IdentityLedger => ledger;

/** The only place that wires. */
export function createContext(config: Config, overrides: Overrides = {}): Context {
  const { name } = config;
  const { checkpoint = noCheckpoint, clock = systemClock, random = Math.random, aroundLedger = asItIs } = overrides;
  const { monotonicMs } = clock;
  const log = createLogger({ service: 'identity-api', name, level: config.logLevel });
  const metrics = createMetrics('identity-api');
  const refusals = createRefusalTally(monotonicMs);
  const frontMetrics: FrontMetrics = createFrontMetrics(metrics, () => waiters.count, refusals);

  const breakers = createBreakers({ metrics, log });
  const turns = createTurnProducer({ redisUrl: config.redisUrl, log });
  breakers.show('redis', turns.state);
  const counter = createWindowCounter({ redisUrl: config.redisUrl, log, onCounted: frontMetrics.counted });
  const bell = createBell({ redisUrl: config.redisUrl, log });
  const giveTurns = createGiveTurns({
    turns,
    isHeld: (ca) => directory?.ca(ca)?.quarantined === true,
    onTurn: (added) => frontMetrics.turn(added),
  });
  const ledger = aroundLedger(
    createIdentityLedger({
      url: config.databaseUrl,
      breakers,
      onAccepted: giveTurns,
      onBatch: frontMetrics.batch,
      waited: {
        get count() {
          return waiters.soonCount;
        },
        get latelyMs() {
          return waiters.latelyMs;
        },
      },
    }),
  );

  const clockWatch = createClockWatch({ now: () => new Date(clock.epochMs()), monotonicMs, metrics, log });
  const lease = createLease({
    enrol: () => ledger.enrol(name, registry.appliedEpoch()),
    renew: ledger.renew,
    appliedEpoch: () => registry.appliedEpoch(),
    report: createReporter({ ready: () => ready(), breakers, clock: clockWatch, refusals: refusals.lately }),
    clock: clockWatch,
    metrics,
    log,
  });
  let directory: Directory | undefined;
  const blockedKeys = createBlockedKeyIndex();
  const acceptsUnderWay = createUnderWay();
  const registry = createRegistryClient({
    registryUrl: config.registryUrl,
    serviceName: name,
    privateKeyPem: config.serviceKeyPem,
    snapshotFile: config.snapshotFile,
    lease,
    breakers,
    log,
    clock: () => new Date(clock.epochMs()),
    async prepare(snapshot) {
      const next = await inSlices(createDirectory(snapshot, checkProfile, readCertificate, blockedKeys));
      await inSlices(testDirectory(next, snapshot));
      return () => {
        directory = next;
      };
    },
    earlierEnded: acceptsUnderWay.ended,
  });
  metrics.gauge('snapshot_stale', '1 while the registry has been silent too long.', [], (gauge) =>
    gauge.set(registry.current()?.stale === false ? 0 : 1),
  );
  metrics.gauge('registry_refused', '1 while the registry is another one, or was put back.', [], (gauge) =>
    gauge.set(registry.refusing() ? 1 : 0),
  );
  const load = createLoadView(() => ledger.readLoad(), monotonicMs);
  showForecast(metrics, load.forecast);
  const admission = createAdmission({ view: load, openRequestsMax: config.openRequestsMax, monotonicMs, random });
  const waiters = createWaiters({
    read: (requestId) => ledger.read(requestId),
    waitersMax,
    waitersPerRequestMax,
    clock,
    onReadFailed: () => frontMetrics.readFailed(),
  });

  const front: Front = {
    directory: () => {
      if (directory === undefined) throw new SluiceError('unavailable', 'No registry snapshot yet');
      return directory;
    },
    acceptsUnderWay,
    ledger,
    charges: createCharges({ counter, random }),
    admission,
    waiters,
    metrics: frontMetrics,
    clock,
    random,
    nonces: createNonces(config.nonceSecrets, randomBytes),
    newRequestId,
    // The lease logs a failure, and goes on trying.
    onFenced: () => void lease.renewNow().catch(() => undefined),
    checkpoint,
    log,
  };
  const ready = async (): Promise<Readiness> =>
    readiness({
      draining: httpServer.draining,
      ledgerAnsweredMs: breakers.states().ledger === 'closed' ? load.sampleAgeMs() : undefined,
      snapshot: directory && { epoch: directory.epoch, stale: registry.current()?.stale ?? true },
      leaseHeld: isHeld(lease.caller),
      redis: await turns.health(),
      clock: clockWatch.fault() ?? 'ok',
    });
  const httpServer: HttpServer = createHttpServer({
    listen: config.listen,
    statusRoutes: createStatusRoutes({ metrics, ready }),
    app: createApp(front, () => httpServer.draining),
    refuseUnreadable: createRefuseUnreadable(front),
    log,
  });

  const closing = (what: string, close: () => Promise<void>): Part => ({
    name: what,
    start: async () => undefined,
    stop: close,
  });
  const queueRedis: Part = {
    name: 'queue-redis',
    start: () => checkRedis(config.redisUrl, log),
    async stop() {
      counter.close();
      await turns.close();
    },
  };
  const bellPart: Part = {
    name: 'bell',
    start: () => bell.listen((requestIds) => waiters.ring(requestIds)),
    stop: () => bell.close(),
  };
  const parts = [
    closing('ledger', () => ledger.close()),
    queueRedis,
    registry.fromDisk,
    lease,
    registry.stream,
    every('load-sampler', loadIntervalMs, load.sample, log),
    bellPart,
    httpServer,
  ];
  return { log, parts, httpServer };
}

/** A Redis that evicts is refused; one that is away is not waited for: signers poll the ledger meanwhile. */
async function checkRedis(redisUrl: string, log: Logger): Promise<void> {
  try {
    await assertQueueRedis(redisUrl);
  } catch (err) {
    if (asSluiceError(err).code !== 'unavailable') throw err;
    log.warn({ event: 'redis-away', err }, 'Redis is away: starting without it, slower');
  }
}

function isHeld(caller: () => unknown): boolean {
  try {
    caller();
    return true;
  } catch (thrown) {
    if (asSluiceError(thrown).code === 'fenced') return false;
    throw thrown;
  }
}
