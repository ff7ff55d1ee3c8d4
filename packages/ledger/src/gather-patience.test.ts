import { describe, expect, it } from 'vitest';
import { gatherPatience, type Waited } from './gather-patience.js';

const rowsAlone = (waited: Waited) => Math.round(gatherPatience(waited).rowsMin(false));

describe('how many rows gather', () => {
  it('nobody waited for: an order goes at once', () => expect(rowsAlone({ count: 0, latelyMs: 0 })).toBe(1));

  it('as many as those waited for, up to 32', () => {
    expect([1, 12, 200].map((count) => rowsAlone({ count, latelyMs: 60 }))).toEqual([1, 12, 32]);
  });

  it('of those that take longer, as many as come back in twice the wait', () => {
    expect([64, 40].map((count) => rowsAlone({ count, latelyMs: 200 }))).toEqual([32, 20]);
    expect(rowsAlone({ count: 900, latelyMs: 3000 })).toBe(30);
  });

  it('beside a flood that waits for itself nobody gathers: two rows in 50 ms are not worth it', () => {
    expect(rowsAlone({ count: 100, latelyMs: 3000 })).toBe(1);
  });

  it('beside a commit in flight a small batch waits for it, whoever is waited for', () => {
    expect(gatherPatience({ count: 0, latelyMs: 0 }).rowsMin(true)).toBe(16);
    expect(gatherPatience({ count: 100, latelyMs: 3000 }).rowsMin(true)).toBe(16);
  });
});

it('gathers for half of what it lately took, at most 50 ms', () => {
  expect([0, 60, 3000].map((latelyMs) => gatherPatience({ count: 9, latelyMs }).waitMs())).toEqual([0, 30, 50]);
});
