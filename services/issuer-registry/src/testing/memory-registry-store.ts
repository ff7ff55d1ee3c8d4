import { SluiceError } from '@sluice/errors';
import { type CaState, caTransitions } from '@sluice/issuance';
import type {
  BlockedKeyRow,
  CaRow,
  DecidedChange,
  HoldRow,
  NewestEnds,
  OperatorRole,
  ProposalRow,
  QueueRow,
  RegistryStore,
  SubscriberRow,
  VacuumWatch,
} from '@sluice/ledger';
import { stateDigest } from '@sluice/registry-protocol';
import { withChanges } from '../operations/set-account-limits.js';
import { createMemoryBulkStore, type MemoryBulkStore } from './memory-bulk-store.js';
import { createMemorySubscriberStore } from './memory-subscriber-store.js';
import { snapshotView } from './snapshot-view.js';

type KeyWork = Parameters<RegistryStore['putKeyWork']>[1];

/** A registry in memory, for tests of what stands above the store: what it holds may be set and read at will. */
export interface MemoryRegistryStore extends RegistryStore {
  readonly cas: CaRow[];
  readonly keyWork: KeyWork[];
  readonly changes: { operator: string; kind: string; subject: string }[];
  subscriberRows: SubscriberRow[];
  /** What waits for a second operator. */
  proposalRows: ProposalRow[];
  partitions: Awaited<ReturnType<RegistryStore['makePartitions']>>;
  /** Thrown by every method while it is set. */
  away: SluiceError | undefined;
  operatorKeys: { name: string; publicKey: Uint8Array; role: OperatorRole }[];
  keysOfServices: { name: string; service: string; publicKey: Uint8Array }[];
  /** Idempotency keys past their time. */
  oldKeys: number;
  /** What an audit finds, by range. */
  auditAnswers: Awaited<ReturnType<RegistryStore['auditRange']>>[];
  leaseFindings: Awaited<ReturnType<RegistryStore['auditWhole']>>;
  /** What `parkedOf` says, of every CA. */
  parked: number;
  queueRows: QueueRow[];
  ends: NewestEnds;
  holdRows: HoldRow[];
  vacuum: VacuumWatch;
  readonly bulk: MemoryBulkStore;
  /** How often `state` was read. */
  stateReads: number;
}

/** Obeys the contract of RegistryStore where a test can see it: epochs, conflicts, unchanged profiles, one open key work per (CA, purpose). */
export function createMemoryRegistryStore(now: Date): MemoryRegistryStore {
  let epoch = 1n;
  const profiles: Awaited<ReturnType<RegistryStore['state']>>['profiles'][number][] = [];
  const accounts: Awaited<ReturnType<RegistryStore['state']>>['accounts'][number][] = [];

  const blocked: BlockedKeyRow[] = [];

  function change(operator: string, kind: string, subject: string): bigint {
    store.changes.push({ operator, kind, subject });
    epoch += 1n;
    subscribers.epochGrew();
    return epoch;
  }
  /** Undefined when this is the second operator, else what now waits. */
  function propose(
    operator: string,
    verb: ProposalRow['verb'],
    subject: string,
    reason: string,
  ): DecidedChange | undefined {
    const waiting = store.proposalRows.find((row) => row.verb === verb && row.subject === subject);
    if (waiting?.proposedBy === operator) throw new SluiceError('conflict');
    store.proposalRows = store.proposalRows.filter((row) => row !== waiting);
    if (waiting !== undefined) return undefined;
    const expiresAt = new Date(now.getTime() + 3_600_000);
    store.proposalRows.push({ verb, subject, reason, proposedBy: operator, expiresAt });
    return { epoch, standing: 'proposed', proposedBy: operator, expiresAt };
  }
  function admitRestore(operator: string, past: bigint, reason: string, heard: bigint): DecidedChange {
    const proposed = propose(operator, 'registry-restored', String(past), reason);
    if (proposed !== undefined) return proposed;
    for (const ahead of [past, heard]) if (ahead > epoch) epoch = ahead;
    return { epoch: change(operator, 'registry-restored', 'registry'), standing: 'done' };
  }
  function setCaState(
    operator: string,
    name: string,
    from: readonly CaState[],
    to: 'active' | 'disabled' | 'retiring',
    reason: string,
  ): DecidedChange {
    here();
    const index = store.cas.findIndex((ca) => ca.name === name);
    const row = store.cas[index];
    if (row === undefined) throw new SluiceError('not-found');
    if (!from.includes(row.state)) throw new SluiceError('conflict');
    if (to !== 'retiring' && caTransitions[row.state].some((way) => way.to === to && way.twoPersons)) {
      const proposed = propose(operator, `ca-${to}`, name, reason);
      if (proposed !== undefined) return proposed;
    }
    const at = change(operator, `ca-${to}`, name);
    store.cas[index] = { ...row, state: to, epoch: at };
    return { epoch: at, standing: 'done' };
  }
  function setState<R extends { name: string; epoch: bigint }>(
    rows: R[],
    name: string,
    to: (row: R) => Partial<R>,
    by: { operator: string; kind: string },
  ): { epoch: bigint } {
    here();
    const index = rows.findIndex((row) => row.name === name);
    const row = rows[index];
    if (row === undefined) throw new SluiceError('not-found');
    const changed = to(row);
    const at = change(by.operator, by.kind, name);
    rows[index] = { ...row, ...changed, epoch: at };
    return { epoch: at };
  }
  function here(): void {
    if (store.away !== undefined) throw store.away;
  }

  const stateNow = () => {
    const blockedKeys = Buffer.concat([...blocked].reverse().map(({ spkiSha256 }) => spkiSha256));
    return { epoch, cas: [...store.cas], profiles: [...profiles], accounts: [...accounts], blockedKeys };
  };
  const subscribers = createMemorySubscriberStore({
    here,
    now: () => now,
    rows: () => store.subscriberRows,
    put: (rows) => {
      store.subscriberRows = rows;
    },
    entitiesSince(after) {
      const changed = <R extends { epoch: bigint }>(rows: readonly R[]): R[] => rows.filter((row) => row.epoch > after);
      const state = stateNow();
      const {
        cas,
        profiles: documents,
        accounts: people,
      } = snapshotView({
        ...state,
        cas: changed(state.cas),
        profiles: changed(state.profiles),
        accounts: changed(state.accounts),
      });
      const keys = changed(blocked).reverse();
      return {
        epoch,
        digest: stateDigest(snapshotView(state)),
        cas,
        profiles: documents,
        accounts: people,
        blockedKeys: keys.map(({ spkiSha256 }) => spkiSha256),
      };
    },
  });

  const bulk = createMemoryBulkStore(now);
  const store: MemoryRegistryStore = {
    ...subscribers,
    ...bulk,
    bulk,
    cas: [],
    keyWork: [],
    changes: [],
    subscriberRows: [],
    proposalRows: [],
    async quarantines() {
      here();
      return store.cas.flatMap(({ name, quarantined, quarantinedTokens }) => [
        ...(quarantined ? [{ ca: name, token: null }] : []),
        ...quarantinedTokens.map((token) => ({ ca: name, token })),
      ]);
    },
    async proposals() {
      here();
      return store.proposalRows;
    },
    partitions: { made: [], rowsInDefault: 0, daysAhead: 14 },
    away: undefined,
    operatorKeys: [],
    keysOfServices: [],
    oldKeys: 0,
    auditAnswers: [],
    leaseFindings: [],
    parked: 0,
    queueRows: [],
    ends: { since: new Date(now.getTime() - 600_000), groups: [] },
    holdRows: [],
    vacuum: { deadRows: 0, oldestTransactionMs: 0, heldBy: null },
    stateReads: 0,
    async enrol(name) {
      here();
      return { name, incarnation: 1n };
    },
    async renew() {
      here();
      return new Date();
    },
    async state() {
      here();
      store.stateReads += 1;
      return stateNow();
    },
    async epoch() {
      here();
      return epoch;
    },
    async createCa(operator, ca) {
      here();
      if (store.cas.some(({ name }) => name === ca.name)) throw new SluiceError('conflict');
      const at = change(operator, 'ca-create', ca.name);
      const { selfProfile, ...row } = ca;
      const made = {
        state: 'pending',
        quarantined: false,
        quarantinedTokens: [],
        spki: null,
        certificate: null,
      } as const;
      store.cas.push({ ...row, ...made, epoch: at, createdAt: now });
      if (selfProfile !== undefined) {
        profiles.push({ ...selfProfile, state: 'enabled', revision: 1, epoch: at, createdAt: now });
      }
      return { epoch: at };
    },
    disableCa: async (operator, name, reason) => setCaState(operator, name, ['active', 'retiring'], 'disabled', reason),
    enableCa: async (operator, name, reason) => setCaState(operator, name, ['disabled'], 'active', reason),
    retireCa: async (operator, name, reason) => setCaState(operator, name, ['disabled'], 'retiring', reason),
    admitRestore: async (operator, past, reason) =>
      admitRestore(operator, past, reason, await subscribers.heardEpoch()),
    parkedOf: async () => store.parked,
    liftQuarantine: async (operator, name, token) =>
      setState(
        store.cas,
        name,
        (ca) => {
          const left = token === undefined ? [] : ca.quarantinedTokens.filter((held) => held !== token);
          if (!ca.quarantined && left.length === ca.quarantinedTokens.length) throw new SluiceError('conflict');
          return { quarantined: false, quarantinedTokens: left };
        },
        { operator, kind: 'ca-quarantine-lift' },
      ),
    setProfileState: async (operator, name, state) =>
      setState(profiles, name, otherThan(state), { operator, kind: `profile-${state}` }),
    setAccountState: async (operator, name, state) =>
      setState(accounts, name, otherThan(state), { operator, kind: `account-${state}` }),
    setAccountLimits: async (operator, name, changes) =>
      setState(accounts, name, ({ limits }) => ({ limits: withChanges(limits, changes) }), {
        operator,
        kind: 'account-limits',
      }),
    addApiKey: async (operator, name, hash) =>
      setState(accounts, name, ({ apiKeyHashes }) => ({ apiKeyHashes: [...apiKeyHashes, hash] }), {
        operator,
        kind: 'api-key-add',
      }),
    revokeApiKey: async (operator, name, hash) =>
      setState(
        accounts,
        name,
        ({ apiKeyHashes }) => {
          const left = apiKeyHashes.filter((known) => Buffer.compare(known, hash) !== 0);
          if (left.length === apiKeyHashes.length) throw new SluiceError('not-found');
          return { apiKeyHashes: left };
        },
        { operator, kind: 'api-key-revoke' },
      ),
    async applyProfile(operator, profile) {
      here();
      const index = profiles.findIndex(({ name }) => name === profile.name);
      const current = profiles[index];
      if (current !== undefined && JSON.stringify(current.document) === JSON.stringify(profile.document)) {
        return { epoch: current.epoch, revision: current.revision, unchanged: true };
      }
      const revision = (current?.revision ?? 0) + 1;
      const at = change(operator, 'profile-apply', profile.name);
      const row = { ...profile, state: 'enabled', revision, epoch: at, createdAt: now } as const;
      if (current === undefined) profiles.push(row);
      else profiles[index] = row;
      return { epoch: at, revision, unchanged: false };
    },
    async createAccount(operator, { name, profiles: allowed, apiKeyHash, limits = {} }) {
      here();
      const at = change(operator, 'account-create', name);
      accounts.push({
        name,
        state: 'enabled',
        profiles: allowed,
        apiKeyHashes: [apiKeyHash],
        limits,
        epoch: at,
        createdAt: now,
      });
      return { epoch: at };
    },
    async blockKey(operator, { spkiSha256, reason }) {
      here();
      const known = blocked.find((row) => Buffer.compare(row.spkiSha256, spkiSha256) === 0);
      if (known !== undefined) return { epoch: known.epoch, unchanged: true };
      const at = change(operator, 'key-block', Buffer.from(spkiSha256).toString('hex'));
      blocked.unshift({ spkiSha256, reason, blockedBy: operator, blockedAt: now, epoch: at });
      return { epoch: at, unchanged: false };
    },
    async blockedKeys(max) {
      here();
      return blocked.slice(0, max);
    },
    async keyWorkWanted() {
      here();
      return store.cas
        .filter(({ state }) => state === 'pending')
        .map((ca) => ({ ca, purpose: ca.spki === null ? ('generate' as const) : ('ca-certificate' as const) }));
    },
    async putKeyWork(_caller, work) {
      here();
      const open = store.keyWork.find(
        ({ purpose, subjectCa }) => purpose === work.purpose && subjectCa === work.subjectCa,
      );
      if (open === undefined) store.keyWork.push(work);
      return (open ?? work).requestId;
    },
    async operators() {
      here();
      return store.operatorKeys;
    },
    async serviceKeys() {
      here();
      return store.keysOfServices;
    },
    why: async () => undefined,
    auditWhole: async () => store.leaseFindings,
    auditRange: async () => store.auditAnswers.shift() ?? { findings: [], next: undefined },
    auditScope: async () => ({ oldest: undefined, requestsEstimated: 0 }),
    queue: async () => ({ at: now, rows: store.queueRows }),
    newestEnds: async () => store.ends,
    holds: async () => store.holdRows,
    vacuumWatch: async () => store.vacuum,
    async makePartitions() {
      here();
      return store.partitions;
    },
    async purgeIdempotency(max) {
      here();
      const purged = Math.min(max, store.oldKeys);
      store.oldKeys -= purged;
      return purged;
    },
    close: async () => undefined,
  };
  return store;
}

const otherThan =
  <S extends string>(state: S) =>
  (row: { readonly state: S }): { state: S } => {
    if (row.state === state) throw new SluiceError('conflict');
    return { state };
  };
