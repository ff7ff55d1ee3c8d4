import { beforeEach, expect, it } from 'vitest';
import { createRefusalTally, type RefusalTally } from './refusal-tally.js';

let nowMs: number;
let tally: RefusalTally;
beforeEach(() => {
  nowMs = 1_000_000;
  tally = createRefusalTally(() => nowMs);
});
const refuse = (count: number, more: { ca?: string; account?: string; code?: string } = {}): void => {
  for (let i = 0; i < count; i++) tally.add({ ca: 'tls', account: 'acme', code: 'overloaded', ...more });
};

it('tells what was refused within the last minute, the most frequent first', () => {
  refuse(2, { account: 'other' });
  nowMs += 30_000;
  refuse(3);
  refuse(1, { ca: '', account: '', code: 'unauthorized' });
  expect(tally.lately()).toEqual({
    byCode: { overloaded: 5, unauthorized: 1 },
    top: [
      { ca: 'tls', account: 'acme', code: 'overloaded', per_minute: 3 },
      { ca: 'tls', account: 'other', code: 'overloaded', per_minute: 2 },
      { ca: '', account: '', code: 'unauthorized', per_minute: 1 },
    ],
  });
  nowMs += 30_000;
  expect(tally.lately().byCode).toEqual({ overloaded: 3, unauthorized: 1 });
  nowMs += 30_000;
  expect(tally.lately()).toEqual({ byCode: {}, top: [] });
});

it('names six at most, and counts them all', () => {
  for (let i = 0; i < 9; i++) refuse(i + 1, { account: `a${i}` });
  const { byCode, top } = tally.lately();
  expect(byCode).toEqual({ overloaded: 45 });
  expect(top.map(({ account }) => account)).toEqual(['a8', 'a7', 'a6', 'a5', 'a4', 'a3']);
});

it('keeps a bounded number of names, and still counts', () => {
  for (let i = 0; i < 3000; i++) refuse(1, { account: `a${i}` });
  const { byCode, top } = tally.lately();
  expect(byCode).toEqual({ overloaded: 3000 });
  expect(top[0]).toEqual({ ca: '', account: '', code: 'overloaded', per_minute: 1000 });
});
