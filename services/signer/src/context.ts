import { randomBytes } from 'node:crypto';
import { type Breakers, createBreakers } from '@sluice/breaker';
import { SluiceError } from '@sluice/errors';
import { requestClasses } from '@sluice/issuance';
import { createFileKeyStore, type KeyStore } from '@sluice/key-store';
import { type Caller, createSignerLedger, type SignerLedger } from '@sluice/ledger';
import { type Checkpoint, createOutageLog, createUnderWay, every, noCheckpoint, type Part } from '@sluice/lifecycle';
import { createBell, createTurnConsumer, createTurnProducer } from '@sluice/queue';
import {
  createClockWatch,
  createLease,
  createRegistryClient,
  createReporter,
  type LeaseOptions,
} from '@sluice/registry-client';
import {
  createLogger,
  createMetrics,
  createStatusRoutes,
  createStatusServer,
  type Logger,
  type Readiness,
} from '@sluice/telemetry';
import { auditOnce } from './audit-once.js';
import { BusyRate } from './busy-rate.js';
import { createCaBackOff } from './ca-back-off.js';
import { claimHindrance } from './claim-guard.js';
import { ClaimSlots } from './claim-slots.js';
import { type Clock, systemClock } from './clock.js';
import type { SignerConfig } from './config.js';
import { closing, keyStorePart, queuePart } from './dependency-parts.js';
import { createLanePump } from './lane-pump.js';
import { createLanes } from './lanes.js';
import { endLiftedWaits } from './missing-key.js';
import { askToken, readiness } from './readiness.js';
import { reportCapacity } from './report-capacity.js';
import type { SignerContext } from './signer-context.js';
import { createSignerMetrics } from './signer-metrics.js';
import { SigningGate } from './signing-gate.js';
import { sweepOnce } from './sweep-once.js';
import { createTemplates } from './templates.js';
import { createTokenAttachment } from './token-attachment.js';

const service = 'signer';
/** Cycles (claim, sign, complete) of one lane side by side: while one signs, others claim and complete. */
const claimsInFlightMax = 2;
/** Turns in hand, so that one of a fresh flow is seen behind those that wait for a claim. What a signer has, others do not see. */
const turnsAtOnce = 8;
const sweepIntervalMs = 1000;
/** How soon a token that the ledger did not take, or that did not answer, is told again. */
const attachIntervalMs = 1000;
const auditIntervalMs = 60_000;
const capacityIntervalMs = 1000;
/** How soon templates that the ledger did not take are offered again. */
const templatesIntervalMs = 1000;

/** What a test may put in the place of the real thing. */
export interface Overrides {
  readonly keyStore?: KeyStore;
  /** Called at `signer:before-claim`, `…:after-claim`, and so on for sign, complete and sweep. */
  readonly checkpoint?: Checkpoint;
  readonly ledger?: SignerLedger;
  /** What stands between the service and its ledger. */
  readonly aroundLedger?: (ledger: SignerLedger) => SignerLedger;
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
  const { name, keyGroup, redisUrl } = config;
  const log = overrides.log ?? createLogger({ service, name, level: config.logLevel });
  const clock = overrides.clock ?? systemClock;
  const metrics = createMetrics(service);
  const breakers = createBreakers({ metrics, log });
  const { aroundLedger = (inside) => inside } = overrides;
  const ledger = aroundLedger(overrides.ledger ?? createSignerLedger({ url: config.databaseUrl, breakers }));
  const keyStore =
    overrides.keyStore ??
    createFileKeyStore({ dir: config.keyStoreDir, passphrase: config.keyPassphrase, token: config.token });
  const bell = createBell({ redisUrl, log });
  const producer = createTurnProducer({ redisUrl, log });
  breakers.show('redis', producer.state);
  const clockWatch = createClockWatch({ now: clock.now, monotonicMs: clock.monotonicMs, metrics, log });
  const signerMetrics = createSignerMetrics(metrics);
  const caBackOff = createCaBackOff(clock, (ca, code, waitMs) =>
    signerMetrics.backOffSeconds.inc({ ca, code }, waitMs / 1000),
  );
  const report = createReporter({ ready: () => ready(), breakers, clock: clockWatch });
  const rules = followRegistry(
    config,
    { breakers, clock: clockWatch, report, metrics },
    { ledger, log, clock, metrics: signerMetrics, keyStore, backOff: caBackOff },
  );
  const { backOff } = rules.context;
  const tokenBreaker = breakers.create({
    name: `token:${keyStore.token}`,
    backOff: 'token-on-signer',
    probe: () => askToken(keyStore),
    refuse: () => new SluiceError('token-failed', 'The token does not answer'),
    onClosed: backOff.tokenIsBack,
  });
  const lanes = createLanes({ pumps: () => pumps, consumers: () => consumers, clock, log });
  const context: SignerContext = {
    ...rules.context,
    tokenBreaker,
    claimHindrance: () => claimHindrance({ tokenBreaker, clockWatch, attachment: rules.attachment }),
    bell,
    gate: new SigningGate(config.signingSlots, clock.monotonicMs),
    capacity: new BusyRate(clock.monotonicMs, config.signingSlots),
    randomBytes,
    leaseMs: config.leaseMs,
    mustStop: lanes.mustStop,
    checkpoint: overrides.checkpoint ?? noCheckpoint,
    audit: log.child({ audit: true }),
  };
  metrics.gauge('snapshot_stale', '1 while the registry has been silent too long.', [], (gauge) =>
    gauge.set(rules.registry.current()?.stale === false ? 0 : 1),
  );
  metrics.gauge('registry_refused', '1 while the registry is another one, or was put back.', [], (gauge) =>
    gauge.set(rules.registry.refusing() ? 1 : 0),
  );
  const pumps = requestClasses.map((requestClass) =>
    createLanePump(context, new ClaimSlots(claimsInFlightMax), { class: requestClass, keyGroup }),
  );
  const consumers = pumps.map(({ lane, onTurn }) =>
    createTurnConsumer({ redisUrl, lane, concurrency: turnsAtOnce, onTurn, log }),
  );
  let sweptAtMs = Number.NEGATIVE_INFINITY;
  const sweepOutage = createOutageLog({
    log,
    name: 'sweep',
    messages: { failed: 'the ledger did not sweep; asked again every second', again: 'the ledger sweeps again' },
    monotonicMs: clock.monotonicMs,
  });
  const sweep = async (): Promise<void> => {
    if (await sweepOnce(context, producer, sweepOutage)) sweptAtMs = clock.monotonicMs();
  };
  const ready = (): Promise<Readiness> =>
    readiness({
      keyStore,
      tokenBreaker,
      clockWatch,
      attachment: rules.attachment,
      ledgerSilentMs: () => clock.monotonicMs() - sweptAtMs,
      caller: context.caller,
      snapshot: rules.registry.current,
      queueHealth: producer.health,
      templatesRefused: () => context.templates.counts().refused,
    });
  const status = createStatusServer({ listen: config.listen, routes: createStatusRoutes({ metrics, ready }), log });
  return {
    log,
    address: status.address,
    parts: [
      status,
      closing('ledger', () => ledger.close()),
      queuePart(redisUrl, log, async () => {
        await Promise.allSettled([bell.close(), producer.close()]);
      }),
      keyStorePart(keyStore, { log, monotonicMs: clock.monotonicMs }),
      rules.registry.fromDisk,
      rules.lease,
      rules.registry.stream,
      every('token', attachIntervalMs, rules.attachment.retry, log),
      every('templates', templatesIntervalMs, context.templates.registerPending, log),
      lanes,
      every('capacity', capacityIntervalMs, () => reportCapacity(context, keyGroup), log),
      every('sweep', sweepIntervalMs, sweep, log),
      every('audit', auditIntervalMs, (signal) => auditOnce(context, signal), log),
    ],
  };
}

/** The subscriber: its lease and token in the ledger, the registry's snapshots, and what follows from them. */
function followRegistry(
  config: SignerConfig,
  told: Required<Pick<LeaseOptions<Caller>, 'report' | 'clock' | 'metrics'>> & { readonly breakers: Breakers },
  base: Pick<SignerContext, 'ledger' | 'log' | 'clock' | 'metrics' | 'keyStore' | 'backOff'>,
) {
  const { ledger, log, clock, metrics, keyStore, backOff } = base;
  const { name, keyGroup } = config;
  const attachment = createTokenAttachment({ keyStore, keyGroup, ledger, log, clock });
  const lease = createLease({
    enrol: async () => {
      const caller = await ledger.enrol(name, registry.appliedEpoch());
      // A crash here leaves an incarnation without a token, which ends with its lease: the next start enrols anew.
      await attachment.attach(caller);
      return caller;
    },
    renew: (caller, epoch, report) => ledger.renew(caller, epoch, report),
    appliedEpoch: () => registry.appliedEpoch(),
    report: told.report,
    clock: told.clock,
    metrics: told.metrics,
    log,
  });
  const templates = createTemplates({ keyGroup, ledger, caller: lease.caller, log, metrics });
  const claimsUnderWay = createUnderWay();
  const registry = createRegistryClient({
    registryUrl: config.registryUrl,
    serviceName: name,
    privateKeyPem: config.serviceKeyPem,
    snapshotFile: config.snapshotFile,
    lease,
    breakers: told.breakers,
    log,
    clock: () => clock.now(),
    async prepare(snapshot) {
      const commit = await templates.prepare(snapshot);
      return () => {
        endLiftedWaits(snapshot, { backOff, token: keyStore.token });
        return commit();
      };
    },
    earlierEnded: claimsUnderWay.ended,
  });
  const { applied } = registry;
  const context = { ...base, templates, applied, claimsUnderWay, caller: lease.caller, renewNow: lease.renewNow };
  return { lease, attachment, registry, context };
}
