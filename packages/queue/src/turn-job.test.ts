import { describe, expect, it } from 'vitest';
import { readTurn, turnJobs } from './turn-job.js';

const lane = { class: 'interactive', keyGroup: 'default' } as const;
const id = (n: number) => `018f6d2e-0000-7000-8000-${String(n).padStart(12, '0')}`;

describe('turnJobs', () => {
  it('splits at 64 and loses none', () => {
    const ids = Array.from({ length: 130 }, (_, n) => id(n));
    const jobs = turnJobs(ids);
    expect(jobs.map(({ count }) => count)).toEqual([64, 64, 2]);
    expect(jobs.flatMap((job) => job.ids)).toEqual(ids);
    expect(turnJobs([])).toEqual([]);
  });
});

describe('readTurn', () => {
  it('reads what was added', () => {
    const [job] = turnJobs([id(1), id(2)]);
    expect(readTurn(lane, job, 3)).toEqual({ lane, count: 2, requestIds: [id(1), id(2)], ageMs: 3 });
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['text', 'x'],
    ['a negative count', { count: -1 }],
    ['a fraction', { count: 1.5, ids: 'no list' }],
    ['ids that are none', { count: 1, ids: [7, '../../etc', "' or 1=1", null] }],
  ])('makes a turn for one of %s', (_name, data) => {
    expect(readTurn(lane, data, -5)).toEqual({ lane, count: 1, requestIds: [], ageMs: 0 });
  });

  it('bounds what it takes', () => {
    const turn = readTurn(lane, { count: 1e9, ids: Array.from({ length: 1000 }, (_, n) => id(n)) }, 0);
    expect(turn.count).toBe(64);
    expect(turn.requestIds).toHaveLength(64);
  });
});
