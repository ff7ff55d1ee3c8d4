import type { QueueRow } from '@sluice/ledger';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryBulkStore, type MemoryBulkStore } from '../testing/memory-bulk-store.js';
import { createCarryOn } from './carry-on.js';
import { createPace } from './pace.js';

const log = { info: () => undefined, warn: (facts: object) => void warned.push(facts), error: () => undefined };
const caller = { name: 'registry-1', incarnation: 1n };
let warned: object[];
let nowMs: number;
let oldestAgeMs: number;
let store: MemoryBulkStore;
let round: () => Promise<void>;
beforeEach(() => {
  warned = [];
  nowMs = 1000;
  oldestAgeMs = 0;
  store = createMemoryBulkStore(new Date(0));
  const row = (requestClass: QueueRow['class'], ageMs: number): QueueRow =>
    ({ class: requestClass, oldestAgeMs: ageMs }) as QueueRow;
  const run = createCarryOn({
    store: { ...store, takeReceipts: async () => store.taken },
    queue: async () => ({ rows: [row('background', 99_999), row('interactive', oldestAgeMs)] }),
    caller: () => caller,
    pace: createPace(() => nowMs),
    log,
  });
  round = () => run(new AbortController().signal);
});

const running = { id: 'r', verb: 'resubmit', state: 'running', ratePerS: 100 } as const;
const after = async (ms: number): Promise<number> => {
  nowMs += ms;
  const before = store.steps.length;
  await round();
  return store.steps.slice(before).reduce((sum, { max }) => sum + max, 0);
};

describe('a resubmission', () => {
  beforeEach(() => {
    store.taken = [running];
  });

  it('goes at its rate, and makes up for no more than a second', async () => {
    store.progress.push({ moved: 0, state: 'running' });
    expect(await after(0)).toBe(0);
    store.progress.splice(0, 1, { moved: 25, state: 'running' });
    expect(await after(250)).toBe(25);
    store.progress.splice(0, 1, { moved: 100, state: 'running' });
    expect(await after(60_000)).toBe(100);
    expect(await after(10)).toBe(1);
  });

  it('waits while interactive work waits for longer than it should, says so, and goes on', async () => {
    store.progress.push({ moved: 0, state: 'running' });
    await after(0);
    oldestAgeMs = 1500;
    expect(await after(1000)).toBe(0);
    expect(store.steps.at(-1)?.waitsFor).toMatch(/interactive.*1500 ms/);
    oldestAgeMs = 900;
    store.progress.splice(0, 1, { moved: 100, state: 'running' });
    expect(await after(1000)).toBe(100);
    expect(store.steps.at(-1)?.waitsFor).toBeUndefined();
  });

  it('does not spend its rate on what was passed over', async () => {
    store.progress.push({ moved: 0, state: 'running' }, { moved: 0, state: 'running' }, { moved: 0, state: 'done' });
    await after(0);
    await after(250);
    expect(store.steps.map(({ max }) => max)).toEqual([25, 25, 25]);
  });
});

it('a park is moved in as many steps as it takes, then looked after once a second', async () => {
  store.taken = [{ id: 'p', verb: 'park', state: 'moving', ratePerS: null }];
  store.progress.push({ moved: 9, state: 'moving' }, { moved: 9, state: 'moving' }, { moved: 1, state: 'holding' });
  await round();
  expect(store.steps).toHaveLength(3);
  store.taken = [{ id: 'p', verb: 'park', state: 'holding', ratePerS: null }];
  for (let rounds = 0; rounds < 8; rounds += 1) await round();
  expect(store.steps).toHaveLength(5);
});

it('one that fails does not keep the next from its turn', async () => {
  store.progress.push({ moved: 0, state: 'undone' });
  const { carryOn } = store;
  store.taken = [
    { id: 'broken', verb: 'park', state: 'undoing', ratePerS: null },
    { id: 'sound', verb: 'park', state: 'undoing', ratePerS: null },
  ];
  const failing = createCarryOn({
    store: {
      takeReceipts: async () => store.taken,
      carryOn: async (by, receipt, step) => {
        if (receipt === 'broken') throw new Error('away');
        return carryOn(by, receipt, step);
      },
    },
    queue: async () => ({ rows: [] }),
    caller: () => caller,
    pace: createPace(() => nowMs),
    log,
  });
  await failing(new AbortController().signal);
  expect(store.steps.map(({ receipt }) => receipt)).toEqual(['sound']);
  expect(warned).toMatchObject([{ event: 'receipt-stuck', receipt: 'broken' }]);
});
