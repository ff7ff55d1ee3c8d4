import { expect, it } from 'vitest';
import { createUnderWay } from './under-way.js';

it('waits for what began before, however it ends, and for nothing that began after', async () => {
  const underWay = createUnderWay();
  const ends: (() => void)[] = [];
  const begin = (fails = false) =>
    underWay.run(
      () => new Promise<void>((resolve, reject) => ends.push(fails ? () => reject(new Error('x')) : resolve)),
    );
  const [first, second] = [begin(), begin(true)];
  let ended = false;
  const waiting = underWay.ended().then(() => {
    ended = true;
  });
  const later = begin();
  ends[0]?.();
  await first;
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toBe(false);
  ends[1]?.();
  await expect(second).rejects.toThrow('x');
  await waiting;
  ends[2]?.();
  await later;
});

it('counts from the very call, before anything was awaited', async () => {
  const underWay = createUnderWay();
  let over = false;
  void underWay.run(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    over = true;
  });
  await underWay.ended();
  expect(over).toBe(true);
});
