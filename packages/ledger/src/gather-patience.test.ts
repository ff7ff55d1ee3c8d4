import { expect, it } from 'vitest';
import { gatherPatience, type Waited } from './gather-patience.js';

const alone = (waited: Waited) => {
  const patience = gatherPatience(waited);
  return { rows: Math.round(patience.rowsMin(false)), ms: Math.round(patience.waitMs()) };
};

it('with nobody waited for an order goes at once', () => {
  expect(alone({ count: 0, latelyMs: 0 })).toEqual({ rows: 1, ms: 0 });
});

it('as many gather as are waited for, up to 32, for half of what these take', () => {
  expect(alone({ count: 1, latelyMs: 40 })).toEqual({ rows: 1, ms: 20 });
  expect(alone({ count: 12, latelyMs: 60 })).toEqual({ rows: 12, ms: 30 });
  expect(alone({ count: 200, latelyMs: 100 })).toEqual({ rows: 32, ms: 50 });
});

it('of those that take longer, as many as come back in time, the fewer the shorter', () => {
  expect(alone({ count: 64, latelyMs: 200 })).toEqual({ rows: 32, ms: 50 });
  expect(alone({ count: 30, latelyMs: 300 })).toEqual({ rows: 10, ms: 20 });
  expect(alone({ count: 900, latelyMs: 3000 })).toEqual({ rows: 30, ms: 50 });
});

it('beside a flood that waits for itself nobody waits: of a hundred orders three come back in time', () => {
  expect(alone({ count: 100, latelyMs: 3000 })).toEqual({ rows: 3, ms: 2 });
});

it('beside a commit in flight a small batch waits for it, whoever is waited for', () => {
  expect(gatherPatience({ count: 0, latelyMs: 0 }).rowsMin(true)).toBe(16);
  expect(gatherPatience({ count: 100, latelyMs: 3000 }).rowsMin(true)).toBe(16);
});
