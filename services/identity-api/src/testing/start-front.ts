import { hash, randomBytes, randomUUID } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import type { AccountLimits, CaState, Load } from '@sluice/issuance';
import { newRequestId } from '@sluice/ledger';
import { createUnderWay, type UnderWay } from '@sluice/lifecycle';
import { checkProfile } from '@sluice/pki';
import { atOnce, type Snapshot } from '@sluice/registry-protocol';
import { createMetrics, createStatusRoutes } from '@sluice/telemetry';
import { exampleOrder } from '../api/examples.js';
import { createApp } from '../app.js';
import { createDirectory } from '../directory.js';
import type { Front } from '../front.js';
import { createFrontMetrics } from '../front-metrics.js';
import { createHttpServer, type HttpServer, type HttpTimeouts } from '../http-server.js';
import { createNonces } from '../nonces.js';
import { createRefusalTally } from '../refusal-tally.js';
import { createRefuseUnreadable } from '../refuse-unreadable.js';
import { createCharges } from '../steps/1-charge.js';
import { type Admission, createAdmission } from '../steps/3-admit.js';
import { type Ask, createLoadView } from '../steps/3-load-view.js';
import { createWaiters, type Waiters } from '../steps/9-waiters.js';
import { FakeLedger } from './fake-ledger.js';
import { faultsOfAnswer } from './faults-of-answer.js';
import { ManualClock } from './manual-clock.js';
import { createMemoryCounter } from './memory-counter.js';

export const apiKey = `slk_${'a'.repeat(43)}`;
export const otherApiKey = `slk_${'b'.repeat(43)}`;
export const disabledApiKey = `slk_${'c'.repeat(43)}`;

/** P-256, signed by its own key. */
export const { csr = '' } = exampleOrder;
/** The same with another signature. */
export const forgedCsr = csr.replace('c+4mkDen8f81wMtO', 'c+4mkDen8f81wMtP');

export const body = { profile: 'tls-client', subject_dn: { common_name: 'unit' }, csr };

const base64 = (text: string) => Buffer.from(text).toString('base64');
const keyHash = (key: string) => hash('sha256', key, 'hex');

const document = (name: string, ca: string) => ({
  name,
  ca,
  purpose: 'subscriber',
  validity_seconds: 86_400,
  backdate_seconds: 60,
  time_to_live_seconds: 3600,
  subject: { common_name: 'required', organization: { static: 'Example' } },
  san: { dns_names: { rule: 'optional', max: 3 } },
  keys: ['ec-p256'],
  key_usage: ['digitalSignature'],
  extended_key_usage: ['clientAuth'],
  policies: [],
});

function ca(name: string, issuer: string, state: CaState = 'active'): Snapshot['cas'][number] {
  return {
    ...{ name, issuer, state, keyGroup: 'default', quarantined: false, quarantinedTokens: [], keyAlgorithm: 'ec-p256' },
    ...{ subjectDer: base64(name), spki: base64(name), certificate: base64(`certificate of ${name}`) },
    certificateProfile: 'root',
  };
}

/** Whatever stands for its certificate: each CA lives ten days, from ten minutes before the manual clock begins. */
export const caValidity = () => ({
  notBefore: new Date('1970-01-01T00:06:40Z'),
  notAfter: new Date('1970-01-11T00:06:39Z'),
});

const states: readonly CaState[] = ['pending', 'disabled', 'retiring', 'destroying', 'destroyed'];

/**
 * One usable profile, `tls-client`, of `issuing` below `root`; a profile per other CA state; one that is disabled; one
 * with every kind of rule; one for CA certificates, which no account can use.
 */
export const snapshot: Snapshot = {
  epoch: '7',
  cas: [ca('root', 'root'), ca('issuing', 'root'), ...states.map((state) => ca(`ca-${state}`, 'root', state))],
  profiles: [
    { name: 'tls-client', ca: 'issuing', state: 'enabled', revision: 3, document: document('tls-client', 'issuing') },
    { name: 'foreign', ca: 'issuing', state: 'enabled', revision: 1, document: document('foreign', 'issuing') },
    {
      ...{ name: 'for-cas', ca: 'issuing', state: 'enabled', revision: 1 },
      document: {
        ...document('for-cas', 'issuing'),
        ...{ purpose: 'ca-certificate', key_usage: ['keyCertSign', 'cRLSign'], basic_constraints: { ca: true } },
        ...{ extended_key_usage: [], san: {} },
      },
    },
    {
      ...{ name: 'every-rule', ca: 'issuing', state: 'enabled', revision: 1 },
      document: {
        ...document('every-rule', 'issuing'),
        description: 'Every kind of rule.',
        requested_validity: { min_seconds: 600, max_seconds: 864_000, back_seconds: 3600, ahead_seconds: 7200 },
        subject: {
          common_name: { rule: 'required', format: 'identifier', max_characters: 20 },
          organizational_unit: { rule: 'optional', max: 2 },
          country: 'forbidden',
          locality: 'optional',
        },
        san: {
          dns_names: { rule: 'required', max: 5, wildcards: true, reserved: 'allow' },
          emails: { rule: 'forbidden', max: 5 },
          uris: { rule: 'optional', max: 1 },
        },
      },
    },
    {
      name: 'switched-off',
      ca: 'issuing',
      state: 'disabled',
      revision: 1,
      document: document('switched-off', 'issuing'),
    },
    ...states.map((state) => {
      const name = `of-${state}`;
      return {
        name,
        ca: `ca-${state}`,
        state: 'enabled' as const,
        revision: 1,
        document: document(name, `ca-${state}`),
      };
    }),
  ],
  accounts: [
    {
      ...{ name: 'demo', state: 'enabled', apiKeyHashes: [keyHash(apiKey)] },
      profiles: [
        'tls-client',
        'every-rule',
        'switched-off',
        'for-cas',
        'gone',
        ...states.map((state) => `of-${state}`),
      ],
    },
    { name: 'other', state: 'enabled', profiles: ['tls-client'], apiKeyHashes: [keyHash(otherApiKey)] },
    { name: 'out', state: 'disabled', profiles: ['tls-client'], apiKeyHashes: [keyHash(disabledApiKey)] },
  ],
  blockedKeys: '',
};

export interface StartedFront {
  readonly url: string;
  readonly ledger: FakeLedger;
  readonly clock: ManualClock;
  readonly waiters: Waiters;
  readonly acceptsUnderWay: UnderWay;
  readonly admission: Admission;
  readonly server: HttpServer;
  readonly checkpoints: string[];
  readonly warnings: object[];
  fenced: number;
  /** What the registry last said. */
  snapshot: Snapshot;
  /** True: as before the first snapshot. */
  withoutSnapshot: boolean;
  /** True: a fault of ours in each call. */
  broken: boolean;
  /** As soon as so many wait, lets time go on. */
  pass(byMs: number, waiting?: number): Promise<void>;
  metrics(): Promise<string>;
  /** Every answer is compared with the description. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  post(send?: object | string, headers?: Record<string, string>): Promise<Response>;
  get(id: string, key?: string): Promise<Response>;
  delete(id: string, key?: string): Promise<Response>;
}

export interface StartFrontOptions {
  readonly openRequestsMax?: number;
  readonly waitersMax?: number;
  readonly waitersPerRequestMax?: number;
  /** Of the account `demo`. */
  readonly limits?: AccountLimits;
  /** What is open, and the signers' capacity; left out: nothing, and nobody knows. */
  readonly load?: Load;
  readonly timeouts?: Partial<HttpTimeouts>;
  /** `publicKeyHash` of keys on the block list. */
  readonly blockedKeys?: readonly string[];
}

/** Another account's order. */
export const anotherAsk: Ask = {
  ...{ class: 'interactive', keyGroup: 'default', account: 'other', ca: 'issuing', held: false, waitMs: 5000 },
};

/** 10 signatures per second, and so much open of the account `demo`, of which not all is ahead of new work. */
export function loadOf(open: number, ahead: number): Load {
  const lane = { class: 'interactive', keyGroup: 'default', queued: open, claimable: ahead, signing: 0 } as const;
  const largest = [{ account: 'demo', ca: 'issuing', open, ahead }];
  return { ageMs: 0, frontEnds: 1, capacities: { default: 10 }, lanes: [{ ...lane, flows: 1, largest }] };
}

const nothingOpen: Load = { ageMs: 0, frontEnds: 1, capacities: {}, lanes: [] };

/** The whole HTTP face over a fake ledger, on a free port. */
export async function startFront(options: StartFrontOptions = {}): Promise<StartedFront> {
  const {
    openRequestsMax = 100,
    waitersMax = 100,
    waitersPerRequestMax = 100,
    limits,
    load = nothingOpen,
    timeouts,
    blockedKeys = [],
  } = options;
  const warnings: object[] = [];
  const quiet = () => undefined;
  const keep = (facts: object) => void warnings.push(facts);
  const log = { debug: quiet, info: quiet, warn: keep, error: keep };
  const clock = new ManualClock();
  const ledger = new FakeLedger(clock);
  const waiters = createWaiters({
    read: ledger.verbs.read,
    waitersMax,
    waitersPerRequestMax,
    clock,
    onReadFailed: quiet,
  });
  const monotonicMs = () => clock.monotonicMs();
  const view = createLoadView(async () => load, monotonicMs);
  await view.sample();
  const admission = createAdmission({
    ...{ view, monotonicMs, random: () => 0.5 },
    openRequestsMax: { perLane: openRequestsMax, perAccount: openRequestsMax * 2, perFlow: openRequestsMax * 2 },
  });
  const metrics = createMetrics('identity-api');
  const checkpoints: string[] = [];
  const acceptsUnderWay = createUnderWay();
  const front: Front = {
    ...{ ledger: ledger.verbs, admission, waiters, log, newRequestId, clock },
    directory: () => {
      if (started.broken) throw new Error('a fault of ours');
      if (started.withoutSnapshot) throw new SluiceError('unavailable', 'No registry snapshot yet');
      return atOnce(createDirectory(started.snapshot, checkProfile, caValidity));
    },
    metrics: createFrontMetrics(
      metrics,
      () => waiters.count,
      createRefusalTally(() => clock.monotonicMs()),
    ),
    charges: createCharges({ counter: createMemoryCounter(clock), random: () => 0.5 }),
    random: () => 0.5,
    nonces: createNonces([Buffer.alloc(32, 7)], randomBytes),
    acceptsUnderWay,
    onFenced: () => {
      started.fenced += 1;
    },
    checkpoint: (label) => void checkpoints.push(label),
  };
  const statusRoutes = createStatusRoutes({ metrics, ready: async () => ({ ready: true, checks: {} }) });
  const app = createApp(front, () => server.draining);
  const server: HttpServer = createHttpServer({
    ...{ listen: { host: '127.0.0.1', port: 0 }, statusRoutes, app, log, timeouts },
    refuseUnreadable: createRefuseUnreadable(front),
  });
  await server.start();
  const { host, port } = server.address();
  const url = `http://${host}:${port}`;
  async function described(path: string, init: RequestInit = {}): Promise<Response> {
    const answer = await fetch(url + path, init);
    const faults = init.method === 'HEAD' ? [] : await faultsOfAnswer(init.method ?? 'GET', path, answer);
    if (faults.length > 0) throw new Error(`not as described: ${faults.join('; ')}`);
    return answer;
  }
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  const started: StartedFront = {
    ...{
      url,
      ledger,
      clock,
      waiters,
      acceptsUnderWay,
      admission,
      server,
      checkpoints,
      warnings,
      fenced: 0,
      snapshot: {
        ...snapshot,
        accounts: withLimits(limits),
        blockedKeys: Buffer.from(blockedKeys.join(''), 'hex').toString('base64'),
      },
      withoutSnapshot: false,
      broken: false,
    },
    async pass(byMs, waiting = 1) {
      while (waiters.count < waiting) await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(byMs);
    },
    metrics: () => metrics.registry.metrics(),
    fetch: described,
    post: (send = body, headers = {}) =>
      described('/identity', {
        method: 'POST',
        headers: { ...bearer(apiKey), 'content-type': 'application/json', ...headers },
        body: typeof send === 'string' ? send : JSON.stringify(send),
      }),
    get: (id, key = apiKey) => described(`/identity/${id}`, { headers: bearer(key) }),
    delete: (id, key = apiKey) => described(`/identity/${id}`, { method: 'DELETE', headers: bearer(key) }),
  };
  return started;
}

const withLimits = (limits: AccountLimits | undefined): Snapshot['accounts'] =>
  snapshot.accounts.map((account) => (limits && account.name === 'demo' ? { ...account, limits } : account));

/** A key nobody used before. */
export const newKey = () => randomUUID();
