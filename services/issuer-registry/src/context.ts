import { randomBytes } from 'node:crypto';
import { createBreakers } from '@sluice/breaker';
import { createRegistryStore, newRequestId, type RegistryStore } from '@sluice/ledger';
import { every, type Part } from '@sluice/lifecycle';
import { createClockWatch, createLease, createReporter } from '@sluice/registry-client';
import { createLogger, createMetrics, createStatusRoutes, type Logger, type Readiness } from '@sluice/telemetry';
import type { Config } from './config.js';
import { createApp } from './http/app.js';
import { createAuthenticate } from './http/authenticate.js';
import { createHttpServer } from './http/http-server.js';
import { createKeyDirectory } from './http/key-directory.js';
import { serveStream } from './http/serve-stream.js';
import { takeAcknowledgement } from './http/take-acknowledgement.js';
import type { AdminContext } from './operations/admin-context.js';
import { endUnregistered } from './push/end-unregistered.js';
import { createPush } from './push/push.js';
import { createQueueMetrics } from './queue/queue-metrics.js';
import { createQueueWatch } from './queue/queue-watch.js';
import { createRegistryMetrics } from './registry-metrics.js';
import { createSubscriberMetrics } from './subscriber-metrics.js';
import { carryOnIntervalMs, createCarryOn } from './upkeep/carry-on.js';
import { fenceAndConfirm } from './upkeep/fence-and-confirm.js';
import { createPartitionKeeper } from './upkeep/keep-partitions.js';
import { createPace } from './upkeep/pace.js';
import { purgeIdempotency } from './upkeep/purge-idempotency.js';
import { reconcileKeyWork } from './upkeep/reconcile-key-work.js';

const service = 'issuer-registry';
/** How long a key that was taken away may still be accepted. */
const keyCacheMs = 3000;
const streamKeyIntervalMs = 1000;
const reconcileIntervalMs = 1000;
const confirmIntervalMs = 1000;
const partitionIntervalMs = 60_000;
const purgeIntervalMs = 60_000;
/** The registry serves people, and many subscribers with one statement: few connections are plenty. */
const poolMax = 4;

/** What a test may put in the place of the real thing. */
export interface Overrides {
  readonly store?: RegistryStore;
  /** What stands between the service and its store. */
  readonly aroundStore?: (store: RegistryStore) => RegistryStore;
  readonly log?: Logger;
  readonly clock?: () => Date;
  readonly randomBytes?: (lengthBytes: number) => Uint8Array;
}

export interface Context {
  readonly log: Logger;
  /** To be run in this order. */
  readonly parts: readonly Part[];
  /** `host:port`; throws before the parts run. */
  readonly address: () => string;
}

/** The only place that wires. Starts nothing: the parts do, in their order. */
export function createContext(config: Config, overrides: Overrides = {}): Context {
  const { name, listen, databaseUrl, logLevel } = config;
  const log = overrides.log ?? createLogger({ service, name, level: logLevel });
  const clock = overrides.clock ?? (() => new Date());
  const monotonicMs = () => performance.now();
  const metrics = createMetrics(service);
  const breakers = createBreakers({ metrics, log });
  const { aroundStore = (inside) => inside } = overrides;
  const store = aroundStore(overrides.store ?? createRegistryStore({ url: databaseUrl, poolMax, breakers }));
  const push = createPush({ store, monotonicMs, metrics, log });
  const clockWatch = createClockWatch({ now: clock, monotonicMs, metrics, log });
  const lease = createLease({
    enrol: () => store.enrol(name),
    renew: store.renew,
    appliedEpoch: push.seenEpoch,
    report: createReporter({ ready, breakers, clock: clockWatch }),
    clock: clockWatch,
    metrics,
    log,
  });
  const partitions = createPartitionKeeper({ store, clock, log });
  const ledgerClock = (): Date => new Date(clock().getTime() - (clockWatch.skewMs() ?? 0));
  const queue = createQueueWatch({ store, monotonicMs, log });
  const admin: AdminContext = {
    name,
    store,
    queue,
    clock,
    ledgerClock,
    randomBytes: overrides.randomBytes ?? randomBytes,
  };
  const keysFrom = (load: () => Promise<readonly { name: string; publicKey: Uint8Array }[]>) =>
    createKeyDirectory({ load, monotonicMs, cacheMs: keyCacheMs, log });
  // A stream takes the place of the one before, so it is opened once per token here. Replayed at another process while
  // the token lasts, it costs the subscriber its stream and nothing else: it opens the next one.
  const serviceKeyOf = keysFrom(() => store.serviceKeys());
  const authenticate = createAuthenticate(serviceKeyOf, clock, { once: true });
  const endStreams = (): Promise<void> => endUnregistered({ streams: push.streams, publicKeyOf: serviceKeyOf, log });
  const { observe, purged } = createRegistryMetrics({ metrics, partitions: partitions.standing });
  createQueueMetrics({ metrics, queue, store, log });
  createSubscriberMetrics({ metrics, store, ledgerClock, log });
  const app = createApp({
    context: admin,
    authenticateOperator: createAuthenticate(
      keysFrom(() => store.operators()),
      clock,
    ),
    stream: serveStream({ ...push, authenticate, store }),
    acknowledgement: takeAcknowledgement(authenticate, push.acknowledgements),
    monotonicMs,
    log,
    observe,
  });

  async function ready(): Promise<Readiness> {
    const ledger = await store.epoch().then(
      () => 'ok',
      (err: unknown) => (err instanceof Error ? err.message : 'away'),
    );
    // A wrong clock here refuses good tokens; that is told by whoever is refused, and by this.
    return { ready: ledger === 'ok', checks: { ledger, clock: clockWatch.fault() ?? 'ok' } };
  }
  const statusRoutes = createStatusRoutes({ metrics, ready });
  const server = createHttpServer({
    listen,
    log,
    listener: (request, response) => {
      if (!statusRoutes(request, response)) app(request, response);
    },
  });
  const reconcile = (): Promise<void> =>
    reconcileKeyWork({ store, caller: lease.caller, newId: () => newRequestId(clock().getTime()), log });

  const pace = createPace(monotonicMs);
  const carryOn = createCarryOn({ store, queue: queue.now, caller: lease.caller, pace, log });

  return {
    log,
    address: server.address,
    parts: [
      closing('store', () => store.close()),
      push.watch,
      lease,
      every('end-unregistered', streamKeyIntervalMs, endStreams, log),
      every('fence-and-confirm', confirmIntervalMs, () => fenceAndConfirm({ store, log }), log),
      every('keep-partitions', partitionIntervalMs, partitions.keep, log),
      every('purge-idempotency', purgeIntervalMs, () => purgeIdempotency({ store, purged, log }), log),
      queue.sampler,
      every('carry-on', carryOnIntervalMs, carryOn, log),
      every('reconcile-key-work', reconcileIntervalMs, reconcile, log),
      server,
      // Stopped before the server, which waits for what is open.
      push.streams,
    ],
  };
}

/** A part that has nothing to start and is closed when all that use it have stopped. */
function closing(name: string, close: () => Promise<void>): Part {
  let open = true;
  return {
    name,
    start: async () => undefined,
    stop: async () => {
      if (!open) return;
      open = false;
      await close();
    },
  };
}
