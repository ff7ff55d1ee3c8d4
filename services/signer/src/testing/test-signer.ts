import { generateKeyPairSync, type KeyObject, randomBytes, randomUUID, sign } from 'node:crypto';
import { createBreakers } from '@sluice/breaker';
import { SluiceError } from '@sluice/errors';
import type { KeyAlgorithm, KeyInfo, KeyPresence, KeyStore } from '@sluice/key-store';
import { createUnderWay, noCheckpoint } from '@sluice/lifecycle';
import { canonicalContent, encodeSubject, type ProfileDocument, type Template } from '@sluice/pki';
import type { Snapshot } from '@sluice/registry-protocol';
import { createLogger, createMetrics } from '@sluice/telemetry';
import { BusyRate } from '../busy-rate.js';
import { createCaBackOff } from '../ca-back-off.js';
import type { Clock } from '../clock.js';
import { askToken } from '../readiness.js';
import type { SignerContext } from '../signer-context.js';
import { createSignerMetrics } from '../signer-metrics.js';
import { SigningGate } from '../signing-gate.js';
import { createTemplates } from '../templates.js';
import { PolicingLedger, type Work } from './policing-ledger.js';

/** A clock whose pauses take no time but count, and that a test may push on. */
export class TestClock implements Clock {
  #aheadMs = 0;
  now = () => new Date();
  monotonicMs = () => performance.now() + this.#aheadMs;
  random = () => 0.5;
  async pause(waitMs: number): Promise<void> {
    this.pass(waitMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
  pass(waitMs: number): void {
    this.#aheadMs += waitMs;
  }
}

/** Keys in memory. Reports every serial it is asked for to the ledger that polices. */
export class PolicedKeyStore implements KeyStore {
  readonly token = 'memory';
  control: Uint8Array | undefined;
  readonly keys = new Map<string, { key: KeyObject; info: KeyInfo }>();
  readonly finds: string[] = [];
  /** Labels that somebody asked to be sure about. */
  readonly confirmed: string[] = [];
  /** Called before each signature: throws, waits, or answers instead of the key. */
  onSign: (ca: string) => undefined | Uint8Array | Promise<undefined | Uint8Array> = () => undefined;
  /** Called before each look: throws when the token is away. */
  onFind: () => void = () => undefined;
  readonly #ledger: PolicingLedger;

  constructor(ledger: PolicingLedger) {
    this.#ledger = ledger;
  }

  async identity(): Promise<Uint8Array | undefined> {
    return this.control;
  }

  async initialise(): Promise<Uint8Array> {
    this.control ??= randomBytes(32);
    return this.control;
  }

  generate(label: string, algorithm: KeyAlgorithm): Promise<KeyInfo> {
    const known = this.keys.get(label);
    if (known) return Promise.resolve(known.info);
    const pair = algorithm === 'ec-p256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : rsaPair;
    const info = { spki: pair.publicKey.export({ type: 'spki', format: 'der' }), algorithm };
    this.keys.set(label, { key: pair.privateKey, info });
    return Promise.resolve(info);
  }

  async find(label: string): Promise<KeyInfo> {
    this.finds.push(label);
    this.onFind();
    return this.#key(label).info;
  }

  async confirmMissing(label: string, spki: Uint8Array): Promise<KeyPresence> {
    this.confirmed.push(label);
    this.onFind();
    const known = this.keys.get(label);
    if (!known) return 'missing';
    return Buffer.compare(known.info.spki, spki) === 0 ? 'there' : 'replaced';
  }

  async sign(label: string, tbs: Uint8Array): Promise<Uint8Array> {
    this.#ledger.keyAsked(label, serialOf(tbs));
    const instead = await this.onSign(label);
    return instead ?? sign('sha256', tbs, this.#key(label).key);
  }

  async close(): Promise<void> {
    this.keys.clear();
  }

  #key(label: string): { key: KeyObject; info: KeyInfo } {
    const key = this.keys.get(label);
    if (!key) throw new SluiceError('key-missing', label);
    return key;
  }
}

/** Content of the first INTEGER after the version: SEQUENCE (long form of 2 octets), [0] version, serial. */
function serialOf(tbs: Uint8Array): Uint8Array {
  const at = 4 + 5;
  return tbs.subarray(at + 2, at + 2 + (tbs[at + 1] ?? 0));
}

const subscriberSpki = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
  type: 'spki',
  format: 'der',
});

/** One for all: making an RSA key takes longer than everything else here together. */
const rsaPair = generateKeyPairSync('rsa', { modulusLength: 2048 });

export function profileDocument(name: string, ca: string, more: Partial<ProfileDocument> = {}): ProfileDocument {
  return {
    name,
    ca,
    purpose: 'subscriber',
    validity_seconds: 600,
    backdate_seconds: 0,
    time_to_live_seconds: 3600,
    subject: { common_name: 'required' },
    san: {},
    keys: ['ec-p256'],
    key_usage: ['digitalSignature'],
    extended_key_usage: ['clientAuth'],
    policies: [],
    ...more,
  };
}

/** A signer's context over a policing ledger, with a P-256 CA `fast`, an RSA CA `slow`, their profiles, and account `acme`. */
export async function createTestSigner(leaseMs = 10_000) {
  const clock = new TestClock();
  const ledger = new PolicingLedger(clock.monotonicMs);
  const keyStore = new PolicedKeyStore(ledger);
  const rung: string[] = [];
  const log = createLogger({ service: 'signer', name: 'test', level: 'silent' });
  const registered = createMetrics('signer');
  const metrics = createSignerMetrics(registered);
  const breakers = createBreakers({ metrics: registered, log });
  const backOff = createCaBackOff(clock, () => undefined);
  const caller = () => ({ name: 'signer-1', incarnation: 1n });
  const templates = createTemplates({ keyGroup: 'default', ledger, caller, log, metrics });
  const snapshot: Snapshot = { epoch: '1', cas: [], profiles: [], accounts: [], blockedKeys: '' };
  const signer = {
    clock,
    ledger,
    keyStore,
    rung,
    templates,
    snapshot,
    /** Epochs that were not in force yet. */
    waitedFor: [] as bigint[],
    registryAway: false,
    stopping: false,
    hindrance: undefined as SluiceError | undefined,
    context: undefined as unknown as SignerContext, // set below, before anybody sees it
    /** `snapshot` as it is now comes into force. */
    apply: async () => await (await templates.prepare(snapshot))(),
    async addCa(name: string, algorithm: KeyAlgorithm) {
      const { spki } = await keyStore.generate(name, algorithm);
      snapshot.cas.push(caRow(name, algorithm, spki));
    },
    addProfile(document: ProfileDocument) {
      const { name, ca } = document;
      snapshot.profiles.push({ name, ca, state: 'enabled', revision: 1, document: { ...document } });
    },
    /** From now on this profile's template is filled otherwise than it was compiled. */
    plantFill(name: string, spoil: (fill: Template['fill']) => Template['fill']) {
      const rules = () => {
        const honest = templates.rules();
        const ready: typeof honest.ready = (profile, revision) => {
          const found = honest.ready(profile, revision);
          if (!found || profile !== name) return found;
          return { ...found, template: { ...found.template, fill: spoil(found.template.fill) } };
        };
        return { ...honest, ready };
      };
      signer.context = { ...signer.context, templates: { ...templates, rules } };
    },
    /** Accepts a request, as an honest front end would unless told otherwise. */
    accept(profile: string, more: Partial<Work['row']> = {}): Work {
      const ready = templates.rules().ready(profile, 1);
      return ledger.add({
        requestId: randomUUID(),
        purpose: 'subscriber',
        account: 'acme',
        profile,
        profileRevision: 1,
        acceptedRevision: 1,
        ca: ready?.ca ?? '',
        content: canonicalContent({ subject_dn: { common_name: 'device 7' }, san: {} }),
        spki: subscriberSpki,
        notBefore: new Date(Math.floor(Date.now() / 1000) * 1000),
        templateHash: ready?.template.hash ?? new Uint8Array(),
        epoch: BigInt(snapshot.epoch),
        acceptedAt: new Date(),
        ...more,
      });
    },
  };
  signer.context = {
    ledger,
    caller,
    renewNow: () => Promise.resolve(),
    keyStore,
    templates,
    async applied(epoch) {
      signer.waitedFor.push(epoch);
      if (signer.registryAway) throw new SluiceError('unavailable');
      await signer.apply();
    },
    claimsUnderWay: createUnderWay(),
    bell: { ring: (ids) => void rung.push(...ids) },
    tokenBreaker: breakers.create({
      name: 'token:memory',
      backOff: 'token-on-signer',
      probe: () => askToken(keyStore),
      refuse: () => new SluiceError('token-failed'),
      onClosed: backOff.tokenIsBack,
    }),
    claimHindrance: () => signer.hindrance,
    backOff,
    gate: new SigningGate(4, clock.monotonicMs),
    capacity: new BusyRate(clock.monotonicMs, 4),
    clock,
    randomBytes,
    leaseMs,
    mustStop: () => signer.stopping,
    checkpoint: noCheckpoint,
    metrics,
    log,
    audit: log,
  };
  await signer.addCa('fast', 'ec-p256');
  await signer.addCa('slow', 'rsa-2048');
  signer.addProfile(profileDocument('tls', 'fast'));
  signer.addProfile(profileDocument('documents', 'slow'));
  snapshot.accounts.push({ name: 'acme', state: 'enabled', profiles: ['tls', 'documents'], apiKeyHashes: [] });
  await signer.apply();
  return signer;
}
export type TestSigner = Awaited<ReturnType<typeof createTestSigner>>;

export function caRow(name: string, keyAlgorithm: string, spki: Uint8Array | null): Snapshot['cas'][number] {
  return {
    name,
    keyGroup: 'default',
    state: 'active',
    quarantined: false,
    quarantinedTokens: [],
    keyAlgorithm,
    subjectDer: Buffer.from(encodeSubject({ common_name: name })).toString('base64'),
    spki: spki && Buffer.from(spki).toString('base64'),
    certificate: null,
    issuer: name,
    certificateProfile: name,
  };
}
