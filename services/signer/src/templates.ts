import { asSluiceError } from '@sluice/errors';
import type { Caller, SignerLedger } from '@sluice/ledger';
import { checkProfile, compilerVersion, compileTemplate, createVerifier, readCertificate } from '@sluice/pki';
import type { Commit } from '@sluice/registry-client';
import {
  accountsPerSlice,
  createBlockedKeyIndex,
  inSlices,
  type Snapshot,
  type Steps,
  slice,
} from '@sluice/registry-protocol';
import type { Logger } from '@sluice/telemetry';
import { prepareLint } from './lint-plan.js';
import { testRules } from './self-test.js';
import type { SignerMetrics } from './signer-metrics.js';
import type { ReadyProfile, SigningAccount, SigningCa, SigningRules } from './signing-rules.js';

type Standing = 'pending' | 'ready' | 'refused';
interface Entry extends ReadyProfile {
  standing: Standing;
  /** The CA's certificate that the lint plan was made with, base64. */
  readonly caCertificate: string | null;
}

/** How many revisions of a profile stay usable: the current one, and the ones that rows still under lease were claimed with. */
const revisionsKeptMax = 3;

export interface Templates {
  /** The rules of the newest snapshot; empty before the first. */
  rules(): SigningRules;
  /**
   * Compiles what is new in a snapshot and tests the rules made of it. They count from the call of what it gives back,
   * which registers what was compiled; what the ledger does not answer for stays pending. One at a time.
   */
  prepare(snapshot: Snapshot): Promise<Commit>;
  /**
   * Registers what is pending. Called once a second: until it is registered, the claim leaves the profile's rows alone.
   * Never rejects.
   */
  registerPending(): Promise<void>;
  counts(): Record<Standing, number>;
}

export interface TemplatesOptions {
  readonly keyGroup: string;
  readonly ledger: Pick<SignerLedger, 'registerTemplates'>;
  readonly caller: () => Caller;
  readonly log: Logger;
  readonly metrics: SignerMetrics;
}

const noRules: SigningRules = {
  epoch: 0n,
  cas: new Map(),
  caKeys: new Map(),
  accounts: new Map(),
  profiles: new Map(),
  blockedKeys: new Set(),
  ready: () => undefined,
};

/**
 * Every certificate this signer can make: one template per enabled profile of its key group whose CA has a key,
 * compiled once per (profile, revision, CA key) and linted in its fixed parts. One set of rules replaces the other whole.
 */
export function createTemplates(options: TemplatesOptions): Templates {
  const { keyGroup, ledger, caller, log, metrics } = options;
  let entries = new Map<string, Entry>();
  let cas: ReadonlyMap<string, SigningCa> = new Map();
  let rules = noRules;
  const blockedKeys = createBlockedKeyIndex();

  function* compile(snapshot: Snapshot): Steps<Map<string, Entry>> {
    const next = keptRevisions(entries, snapshot);
    for (const profile of snapshot.profiles) {
      const ca = snapshot.cas.find(({ name }) => name === profile.ca);
      if (profile.state !== 'enabled' || ca?.keyGroup !== keyGroup || ca.spki === null) continue;
      const key = entryKey(profile.name, profile.revision);
      const known = next.get(key);
      if (known?.ca === ca.name && known.caCertificate === ca.certificate) continue;
      yield;
      try {
        const document = checkProfile(profile.document);
        const spki = fromBase64(ca.spki);
        const compiled = known?.ca === ca.name ? known : undefined;
        const template =
          compiled?.template ?? compileTemplate(document, { subjectDer: fromBase64(ca.subjectDer), spki });
        const lintPlan = prepareLint(document, template, ca, spki);
        const { name, revision } = profile;
        const standing = compiled?.standing ?? 'pending';
        const caCertificate = ca.certificate;
        next.set(key, { profile: name, revision, ca: ca.name, caCertificate, document, template, lintPlan, standing });
      } catch (thrown) {
        // One document that this version cannot compile, or by which nothing lawful can be made, must not take the
        // other profiles with it.
        next.delete(key);
        tellFailed(profile, thrown);
      }
    }
    return next;
  }

  function* rulesOf(snapshot: Snapshot, compiled: ReadonlyMap<string, Entry>): Steps<SigningRules> {
    const accounts = new Map<string, SigningAccount>();
    yield* slice(snapshot.accounts, accountsPerSlice, ({ name, state, profiles }) => {
      accounts.set(name, { enabled: state === 'enabled', profiles: new Set(profiles) });
    });
    return {
      epoch: BigInt(snapshot.epoch),
      cas: signingCas(snapshot, keyGroup, cas),
      caKeys: new Map(snapshot.cas.flatMap(({ name, spki }) => (spki === null ? [] : [[name, fromBase64(spki)]]))),
      accounts,
      profiles: new Map(snapshot.profiles.map(({ name, state, ca }) => [name, { enabled: state === 'enabled', ca }])),
      blockedKeys: yield* blockedKeys.of(snapshot),
      ready(profile, revision) {
        const entry = compiled.get(entryKey(profile, revision));
        return entry?.standing === 'ready' ? entry : undefined;
      },
    };
  }

  function tellFailed({ name, revision }: Snapshot['profiles'][number], err: unknown): void {
    const { code, facts: found } = asSluiceError(err);
    const facts = { event: 'template-failed', profile: name, revision, code, rules: found.rules, err };
    const why = code === 'lint-failed' ? 'makes certificates that break rules' : 'cannot be compiled';
    log.error(facts, `a profile ${why}; its requests wait for another signer`);
  }

  async function register(pending: readonly Entry[]): Promise<void> {
    const rows = pending.map(({ profile, revision, template }) => ({ profile, revision, hash: template.hash }));
    await ledger.registerTemplates(caller(), compilerVersion, rows);
    // A crash here leaves them registered; the next start registers the same hashes again, which changes nothing.
    for (const entry of pending) entry.standing = 'ready';
  }

  async function registerAlone(entry: Entry): Promise<void> {
    try {
      await register([entry]);
    } catch (thrown) {
      const error = asSluiceError(thrown);
      if (error.code !== 'conflict') throw error;
      entry.standing = 'refused';
      const facts = { event: 'template-conflict', profile: entry.profile, revision: entry.revision, err: error };
      log.error(facts, 'two signers disagree about the bytes of a profile; it is not used here');
    }
  }

  async function registerPending(): Promise<void> {
    const pending = [...entries.values()].filter(({ standing }) => standing === 'pending');
    if (pending.length === 0) return;
    try {
      await registerAll(pending);
    } catch (err) {
      log.warn({ event: 'templates-pending', err, count: counts().pending }, 'templates are not registered yet');
    } finally {
      const now = counts();
      for (const standing of ['pending', 'ready', 'refused'] as const)
        metrics.templates.set({ standing }, now[standing]);
    }
  }

  async function registerAll(pending: readonly Entry[]): Promise<void> {
    try {
      await register(pending);
    } catch (error) {
      if (asSluiceError(error).code !== 'conflict') throw error;
      for (const entry of pending) await registerAlone(entry);
    }
  }

  function counts(): Record<Standing, number> {
    const all = { pending: 0, ready: 0, refused: 0 };
    for (const { standing } of entries.values()) all[standing] += 1;
    return all;
  }

  return {
    rules: () => rules,
    registerPending,
    counts,
    async prepare(snapshot) {
      const compiled = await inSlices(compile(snapshot));
      const next = await inSlices(rulesOf(snapshot, compiled));
      await inSlices(testRules(next, snapshot, keyGroup));
      return () => {
        entries = compiled;
        cas = next.cas;
        rules = next;
        metrics.appliedEpoch.set(Number(snapshot.epoch));
        return registerPending();
      };
    },
  };
}

function entryKey(profile: string, revision: number): string {
  return `${profile}\n${revision}`;
}

/** What of the older templates is still worth keeping: recent revisions of profiles that still exist. */
function keptRevisions(entries: ReadonlyMap<string, Entry>, snapshot: Snapshot): Map<string, Entry> {
  const current = new Map(snapshot.profiles.map(({ name, revision }) => [name, revision]));
  return new Map(
    [...entries].filter(([, entry]) => {
      const revision = current.get(entry.profile);
      return revision !== undefined && entry.revision > revision - revisionsKeptMax;
    }),
  );
}

/** Verifiers are kept while the key is the same: importing one costs more than a signature. */
function signingCas(
  snapshot: Snapshot,
  keyGroup: string,
  before: ReadonlyMap<string, SigningCa>,
): Map<string, SigningCa> {
  const cas = snapshot.cas.filter((ca) => ca.keyGroup === keyGroup);
  return new Map(
    cas.map((ca) => {
      const spki = ca.spki === null ? undefined : fromBase64(ca.spki);
      const known = before.get(ca.name);
      const same = spki !== undefined && known?.spki !== undefined && Buffer.compare(known.spki, spki) === 0;
      const { name, state, issuer, keyAlgorithm } = ca;
      const verify = same ? known.verify : spki && createVerifier(spki);
      const own = ca.certificate === null ? undefined : readCertificate(fromBase64(ca.certificate));
      const bounds = { notAfter: own?.notAfter ?? null, pathLength: own?.pathLength };
      return [name, { name, state, issuer, keyAlgorithm, spki, verify, ...bounds }];
    }),
  );
}

function fromBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64');
}
