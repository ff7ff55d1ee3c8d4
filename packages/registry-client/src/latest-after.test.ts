import { expect, it } from 'vitest';
import { latestAfter } from './latest-after.js';

it('runs once more for those who asked during a run, and hands an error to its own callers alone', async () => {
  const ends: ((error?: Error) => void)[] = [];
  const run = latestAfter(
    () => new Promise<void>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve()))),
  );
  const first = run();
  const second = run();
  const third = run();
  expect(ends).toHaveLength(1);
  expect(third).toBe(second);
  ends[0]?.(new Error('away'));
  await expect(first).rejects.toThrow('away');
  expect(ends).toHaveLength(2);
  const fourth = run();
  expect(fourth).not.toBe(second);
  ends[1]?.();
  await Promise.all([second, third]);
  expect(ends).toHaveLength(3);
  ends[2]?.();
  await fourth;
});
