import { SluiceError } from '@sluice/errors';
import { describe, expect, it, vi } from 'vitest';
import { createGroupCommit, type GroupCommitOptions, type Patience } from './group-commit.js';

const fault = new SluiceError('internal', 'a row that PostgreSQL refuses', {
  cause: Object.assign(new Error('invalid byte sequence'), { code: '22021' }),
});

/** Commits that the test lets end one by one. */
function heldCommits() {
  const batches: { items: readonly number[]; end(error?: SluiceError): void }[] = [];
  const commit = (items: readonly number[]): Promise<readonly string[]> =>
    new Promise((resolve, reject) => {
      batches.push({
        items,
        end: (error) => (error === undefined ? resolve(items.map((item) => `done ${item}`)) : reject(error)),
      });
    });
  return { batches, commit };
}
const create = (
  more: Partial<GroupCommitOptions<number, string>> & Pick<GroupCommitOptions<number, string>, 'commit'>,
) =>
  createGroupCommit<number, string>({
    batchMax: 64,
    inFlightMax: 2,
    waitingMax: 1000,
    refuse: () => new SluiceError('unavailable'),
    ...more,
  });
/** Three rows go beside others. */
const besideOthers = (waitMs: number): Patience => ({ rowsMin: (beside) => (beside ? 3 : 1), waitMs: () => waitMs });
/** Until everything that is ready has run: two turns of the event loop. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
};
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

describe('group commit', () => {
  it('commits alone what comes alone, without a timer', async () => {
    const { batches, commit } = heldCommits();
    const result = create({ commit }).submit(1);
    await settle();
    expect(batches.map(({ items }) => items)).toEqual([[1]]);
    batches[0]?.end();
    expect(await result).toBe('done 1');
  });

  it('lets share a commit what came in the same turn of the event loop, in order, up to the largest batch', async () => {
    const sizes: number[] = [];
    const group = create({
      commit: async (items) => items.map((item) => `done ${item}`),
      batchMax: 4,
      onBatch: (size) => sizes.push(size),
    });
    const results = await Promise.all(range(0, 10).map((item) => group.submit(item)));
    expect(results).toEqual(range(0, 10).map((item) => `done ${item}`));
    expect(sizes).toEqual([4, 4, 2]);
  });

  it('lets a small batch wait for the one in flight, but not a large one', async () => {
    const { batches, commit } = heldCommits();
    const group = create({ commit, inFlightMax: 3, patience: besideOthers(1_000_000) });
    void group.submit(0);
    await settle();
    void group.submit(1);
    void group.submit(2);
    await settle();
    expect(batches.map(({ items }) => items)).toEqual([[0]]);
    void group.submit(3);
    await settle();
    expect(batches.map(({ items }) => items)).toEqual([[0], [1, 2, 3]]);
    const last = group.submit(4);
    await settle();
    expect(batches).toHaveLength(2);
    for (const batch of batches.slice()) batch.end();
    await settle();
    expect(batches.at(-1)?.items).toEqual([4]);
    batches.at(-1)?.end();
    expect(await last).toBe('done 4');
  });

  it('lets a small batch go beside one that does not end, after a while', async () => {
    const { batches, commit } = heldCommits();
    const group = create({ commit, patience: besideOthers(1) });
    void group.submit(0);
    await settle();
    void group.submit(1);
    await expect.poll(() => batches.map(({ items }) => items)).toEqual([[0], [1]]);
  });

  it('lets it wait for the others once, not again for a place', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { batches, commit } = heldCommits();
      const group = create({ commit, inFlightMax: 2, patience: besideOthers(50) });
      void group.submit(0);
      await settle();
      for (const item of [1, 2, 3]) void group.submit(item);
      await settle();
      void group.submit(4);
      await settle();
      vi.advanceTimersByTime(50);
      expect(batches.map(({ items }) => items)).toEqual([[0], [1, 2, 3]]);
      batches[0]?.end();
      await settle();
      expect(batches.map(({ items }) => items)).toEqual([[0], [1, 2, 3], [4]]);
      void group.submit(5);
      batches[1]?.end();
      await settle();
      expect(batches).toHaveLength(3);
      vi.advanceTimersByTime(50);
      expect(batches.at(-1)?.items).toEqual([5]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('lets a batch gather as many rows as are wanted, and no longer when fewer are', async () => {
    const { batches, commit } = heldCommits();
    let wanted = 3;
    const group = create({ commit, patience: { rowsMin: () => wanted, waitMs: () => 1_000_000 } });
    void group.submit(0);
    void group.submit(1);
    await settle();
    expect(batches).toHaveLength(0);
    void group.submit(2);
    await settle();
    expect(batches.map(({ items }) => items)).toEqual([[0, 1, 2]]);
    wanted = 0;
    void group.submit(3);
    await settle();
    expect(batches.at(-1)?.items).toEqual([3]);
  });

  it('lets a batch go that gathers in vain, after a while', async () => {
    const { batches, commit } = heldCommits();
    const group = create({ commit, patience: { rowsMin: () => 3, waitMs: () => 1 } });
    void group.submit(0);
    await expect.poll(() => batches.map(({ items }) => items)).toEqual([[0]]);
  });

  it('runs no more batches side by side than it may; what gathers meanwhile goes into the next one', async () => {
    const { batches, commit } = heldCommits();
    const group = create({ commit, inFlightMax: 2 });
    const results: Promise<string>[] = [];
    for (const item of range(0, 6)) {
      results.push(group.submit(item));
      await settle();
    }
    expect(batches.map(({ items }) => items)).toEqual([[0], [1]]);
    batches[1]?.end();
    await settle();
    expect(batches.map(({ items }) => items)).toEqual([[0], [1], [2, 3, 4, 5]]);
    for (const batch of batches) batch.end();
    expect(await Promise.all(results)).toEqual(range(0, 6).map((item) => `done ${item}`));
  });

  it('refuses what exceeds the waiting room, at once', async () => {
    const { batches, commit } = heldCommits();
    const group = create({ commit, inFlightMax: 1, waitingMax: 2 });
    const first = group.submit(0);
    await settle();
    const waiting = [group.submit(1), group.submit(2)];
    await expect(group.submit(3)).rejects.toMatchObject({ code: 'unavailable' });
    batches[0]?.end();
    await settle();
    batches[1]?.end();
    expect(await Promise.all([first, ...waiting])).toEqual(['done 0', 'done 1', 'done 2']);
  });

  it.each([[[13]], [[0, 63]], [[7, 8, 9]]])(
    'splits a batch until rows %j, which are at fault, stand alone',
    async (bad) => {
      let calls = 0;
      const committed: number[] = [];
      const group = create({
        commit: async (items) => {
          calls += 1;
          if (items.some((item) => bad.includes(item))) throw fault;
          committed.push(...items);
          return items.map((item) => `done ${item}`);
        },
      });
      const results = await Promise.allSettled(range(0, 64).map((item) => group.submit(item)));
      expect(results.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))).toEqual(bad);
      expect(committed.sort((a, b) => a - b)).toEqual(range(0, 64).filter((item) => !bad.includes(item)));
      // Each bad row costs at most two calls per halving.
      expect(calls).toBeLessThanOrEqual(1 + bad.length * 2 * 6);
    },
  );

  it.each(['unavailable', 'outcome-unknown', 'fenced', 'conflict'] as const)(
    "tells everybody in the batch of %s, and does not try again: it is nobody's fault",
    async (code) => {
      let calls = 0;
      const group = create({
        commit: async () => {
          calls += 1;
          throw new SluiceError(code);
        },
      });
      const results = await Promise.allSettled(range(0, 8).map((item) => group.submit(item)));
      expect(results.map((result) => (result.status === 'rejected' ? result.reason.code : ''))).toEqual(
        Array(8).fill(code),
      );
      expect(calls).toBe(1);
    },
  );

  it('goes on after a batch that failed', async () => {
    let calls = 0;
    const group = create({
      inFlightMax: 1,
      commit: async (items) => {
        calls += 1;
        if (calls === 1) throw new TypeError('a stranger');
        return items.map((item) => `done ${item}`);
      },
    });
    await expect(group.submit(1)).rejects.toMatchObject({ code: 'internal' });
    expect(await group.submit(2)).toBe('done 2');
  });

  it('is idle when nothing waits or runs', async () => {
    const { batches, commit } = heldCommits();
    const group = create({ commit, inFlightMax: 1 });
    await group.idle();
    const results = [group.submit(0), group.submit(1)];
    await settle();
    const last = group.submit(2);
    let idle = false;
    const whenIdle = group.idle().then(() => {
      idle = true;
    });
    batches[0]?.end();
    await settle();
    expect(idle).toBe(false);
    batches[1]?.end();
    await whenIdle;
    expect(await Promise.all([...results, last])).toEqual(['done 0', 'done 1', 'done 2']);
  });
});
