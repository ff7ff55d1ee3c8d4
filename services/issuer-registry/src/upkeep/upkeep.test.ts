import type { CaRow } from '@sluice/ledger';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryRegistryStore, type MemoryRegistryStore } from '../testing/memory-registry-store.js';
import { createPartitionKeeper } from './keep-partitions.js';
import { purgeIdempotency, purgeKeysMax, purgeRoundsMax } from './purge-idempotency.js';
import { type ReconcileOptions, reconcileKeyWork } from './reconcile-key-work.js';

let now: Date;
let store: MemoryRegistryStore;
let events: { level: string; event: string }[];
const log = Object.fromEntries(
  ['info', 'warn', 'error'].map((level) => [
    level,
    (facts: object) => void events.push({ level, event: String('event' in facts ? facts.event : '') }),
  ]),
) as unknown as ReconcileOptions['log']; // three functions of one shape, made in a loop

beforeEach(() => {
  now = new Date('2026-11-21T10:00:00Z');
  store = createMemoryRegistryStore(now);
  events = [];
});

describe('key work', () => {
  const row: CaRow = {
    name: 'root',
    keyGroup: 'vault',
    state: 'pending',
    quarantined: false,
    quarantinedTokens: [],
    keyAlgorithm: 'ec-p256',
    subject: '{"common_name":"Root","country":"DE"}',
    subjectDer: new Uint8Array(),
    spki: null,
    certificate: null,
    issuer: 'root',
    certificateProfile: 'root',
    epoch: 2n,
    createdAt: new Date(),
  };
  const content = '{"san":{},"subject_dn":{"common_name":"Root","country":"DE"}}';
  const spki = Uint8Array.of(48, 0);
  let ids = 0;
  const newId = (): string => {
    ids += 1;
    return `id-${ids}`;
  };
  const look = (): Promise<void> =>
    reconcileKeyWork({ store, caller: () => ({ name: 'r', incarnation: 1n }), newId, log });

  it('makes a key first, then a root’s certificate by the root itself, each once', async () => {
    store.cas.push(row);
    await look();
    await look();
    const generate = { purpose: 'generate', ca: 'root', subjectCa: 'root', profile: null, keyGroup: 'vault', content };
    expect(store.keyWork).toEqual([expect.objectContaining({ ...generate, spki: new Uint8Array() })]);
    store.cas[0] = { ...row, spki };
    await look();
    await look();
    const certify = {
      purpose: 'ca-certificate',
      ca: 'root',
      subjectCa: 'root',
      profile: 'root',
      keyGroup: 'vault',
      spki,
    };
    expect(store.keyWork.slice(1)).toEqual([expect.objectContaining(certify)]);
    expect(events.filter(({ event }) => event === 'key-work-put')).toHaveLength(2);
  });

  it('has an issued CA certified in its issuer’s key group, once the issuer is active', async () => {
    store.cas.push(
      { ...row, spki },
      { ...row, name: 'sub', keyGroup: 'fast', issuer: 'root', certificateProfile: 'p', spki },
    );
    await look();
    expect(store.keyWork.map(({ subjectCa }) => subjectCa)).toEqual(['root']);
    store.cas[0] = { ...row, spki, state: 'active' };
    await look();
    expect(store.keyWork[1]).toMatchObject({ ca: 'root', subjectCa: 'sub', profile: 'p', keyGroup: 'vault' });
  });

  it('goes on with the others when one CA is at fault', async () => {
    store.cas.push({ ...row, name: 'odd', subject: 'not json' }, row);
    await look();
    expect(store.keyWork.map(({ subjectCa }) => subjectCa)).toEqual(['root']);
    expect(events).toContainEqual({ level: 'error', event: 'key-work-failed' });
  });
});

describe('partitions', () => {
  it('are made once an hour, at once again after a failure, and short ones are an error', async () => {
    const keeper = createPartitionKeeper({ store, clock: () => now, log });
    expect(keeper.standing()).toBeUndefined();
    await keeper.keep();
    expect(keeper.standing()).toEqual({ daysAhead: 14, rowsInDefault: 0 });
    store.partitions = { made: [], daysAhead: 6, rowsInDefault: 0 };
    now = new Date(now.getTime() + 3_599_000);
    await keeper.keep();
    expect(keeper.standing()?.daysAhead).toBe(14);
    now = new Date(now.getTime() + 1000);
    await keeper.keep();
    expect(keeper.standing()?.daysAhead).toBe(6);
    expect(events).toEqual([{ level: 'error', event: 'partitions-short' }]);
    store.partitions = { made: [], daysAhead: 14, rowsInDefault: 3 };
    now = new Date(now.getTime() + 3_600_000);
    await keeper.keep();
    expect(events).toHaveLength(2);
  });

  it('run out by the day while none can be made', async () => {
    const keeper = createPartitionKeeper({ store, clock: () => now, log });
    await keeper.keep();
    now = new Date(now.getTime() + 9 * 86_400_000);
    expect(keeper.standing()?.daysAhead).toBe(5);
  });
});

describe('idempotency keys past their time', () => {
  const rounds: number[] = [];
  const purge = (): Promise<void> => purgeIdempotency({ store, purged: (count) => void rounds.push(count), log });
  beforeEach(() => void rounds.splice(0));

  it('are deleted round by round until fewer come back', async () => {
    store.oldKeys = 2 * purgeKeysMax + 7;
    await purge();
    expect(rounds).toEqual([purgeKeysMax, purgeKeysMax, 7]);
    await purge();
    expect(rounds.slice(3)).toEqual([0]);
    expect(events).toEqual([]);
  });

  it('that never end are left to the next minute, with a warning', async () => {
    store.oldKeys = (purgeRoundsMax + 1) * purgeKeysMax;
    await purge();
    expect([rounds.length, store.oldKeys]).toEqual([purgeRoundsMax, purgeKeysMax]);
    expect(events).toEqual([{ level: 'warn', event: 'purge-behind' }]);
  });
});
