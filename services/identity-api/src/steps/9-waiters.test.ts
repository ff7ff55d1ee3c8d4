import type { Standing } from '@sluice/ledger';
import { beforeEach, expect, it } from 'vitest';
import { ManualClock } from '../testing/manual-clock.js';
import { createWaiters, type Waiters } from './9-waiters.js';

const standing = (state: Standing['state']) => ({ requestId: 'r', state }) as Standing;

let clock: ManualClock;
let waiters: Waiters;
/** Reads that wait for the test to answer them. */
let reads: ((state: Standing['state'] | Error) => void)[];
beforeEach(() => {
  clock = new ManualClock();
  reads = [];
  waiters = createWaiters({
    read: () =>
      new Promise((resolve, reject) => {
        reads.push((state) => (state instanceof Error ? reject(state) : resolve(standing(state))));
      }),
    waitersMax: 3,
    waitersPerRequestMax: 3,
    onReadFailed: () => undefined,
    clock,
    pausesMs: [100, 200],
    heldPausesMs: [500],
  });
});
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('many share one read and its result, each leaves at its own time', async () => {
  const first = waiters.wait('r', 1000);
  const second = waiters.wait('r', 160);
  const third = waiters.wait('r', 1000);
  expect([waiters.count, waiters.full]).toEqual([3, true]);
  expect(() => waiters.wait('r', 1)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  await clock.advance(160);
  expect(await second.ended).toBe('time-over');
  third.leave();
  third.leave();
  expect(await third.ended).toBe('hung-up');
  expect(reads).toHaveLength(1);
  reads[0]?.('issued');
  expect(await first.ended).toMatchObject({ state: 'issued' });
  expect(waiters.count).toBe(0);
  await clock.advance(5000);
  expect(reads).toHaveLength(1);
});

it('knows how long it lately took until a request ended; who gave up before says nothing of it', async () => {
  const ends = async (afterMs: number) => {
    const { ended } = waiters.wait('r', 1000);
    void waiters.wait('r', 10);
    await clock.advance(afterMs);
    waiters.ring(['r']);
    reads.at(-1)?.('issued');
    await ended;
  };
  expect(waiters.latelyMs).toBe(0);
  for (let times = 0; times < 50; times += 1) await ends(40);
  expect(waiters.latelyMs).toBeCloseTo(40, 0);
  for (let times = 0; times < 50; times += 1) await ends(20);
  expect(waiters.latelyMs).toBeCloseTo(20, 0);
});

it('of those that wait for a CA that is held, nobody is served soon', async () => {
  const { ended } = waiters.wait('r', 1000);
  await clock.advance(40);
  waiters.ring(['r']);
  reads.at(-1)?.('issued');
  await ended;
  void waiters.wait('r', 1000, 'held');
  void waiters.wait('r', 1000);
  expect([waiters.count, waiters.soonCount]).toEqual([2, 1]);
  // And its waiters look seldom.
  const before = reads.length;
  await clock.advance(559);
  expect(reads.length).toBe(before);
  await clock.advance(1);
  expect(reads.length).toBe(before + 1);
});

it('looks again at growing intervals, also after a read that failed', async () => {
  void waiters.wait('r', 10_000);
  const lookAt = async (afterMs: number) => {
    await clock.advance(afterMs - 1);
    const before = reads.length;
    await clock.advance(1);
    return reads.length - before;
  };
  expect(await lookAt(100)).toBe(1);
  reads[0]?.('queued');
  await settled();
  expect(await lookAt(200)).toBe(1);
  reads[1]?.(new Error('away'));
  await settled();
  expect(await lookAt(200)).toBe(1);
});

it('looks that nobody rang for are made together, however their requests came', async () => {
  for (const id of ['r1', 'r2', 'r3']) {
    void waiters.wait(id, 10_000);
    await clock.advance(30);
  }
  await clock.advance(109);
  expect(reads).toHaveLength(1);
  await clock.advance(1);
  expect(reads).toHaveLength(3);
});

it('reads once more when it was rung during a read, which may be older than the ring', async () => {
  const waiter = waiters.wait('r', 1000);
  waiters.ring(['other', 'r']);
  expect(reads).toHaveLength(1);
  waiters.ring(['r']);
  waiters.ring(['r']);
  expect(reads).toHaveLength(1);
  reads[0]?.('signing');
  await settled();
  expect(reads).toHaveLength(2);
  reads[1]?.('failed');
  expect(await waiter.ended).toMatchObject({ state: 'failed' });
});
