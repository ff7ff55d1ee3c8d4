import { describe, expect, it } from 'vitest';
import { readTurn, turnJobs } from './turn-job.js';

const lane = { class: 'interactive', keyGroup: 'default' } as const;
const id = (n: number) => `018f6d2e-0000-7000-8000-${String(n).padStart(12, '0')}`;
const request = (n: number) => ({ requestId: id(n), flow: `account-${n} ca` });

describe('turnJobs', () => {
  it('splits at 64 and loses none', () => {
    const requests = Array.from({ length: 130 }, (_, n) => request(n));
    const jobs = turnJobs(requests);
    expect(jobs.map(({ count }) => count)).toEqual([64, 64, 2]);
    expect(jobs.flatMap((job) => readTurn(lane, job, 0).requests)).toEqual(requests);
    expect(turnJobs([])).toEqual([]);
  });
});

describe('readTurn', () => {
  it('reads what was added', () => {
    const [job] = turnJobs([request(1), request(2)]);
    expect(readTurn(lane, job, 3)).toEqual({ lane, count: 2, requests: [request(1), request(2)], ageMs: 3 });
  });

  it.each([
    ['no flows', undefined],
    ['flows that are none', [7]],
    ['a flow without end', ['x'.repeat(301)]],
  ])('with %s knows of none', (_name, flows) => {
    expect(readTurn(lane, { count: 1, ids: [id(1)], flows }, 0).requests).toEqual([{ requestId: id(1), flow: '' }]);
  });

  it('keeps each flow with its request, whatever lies between', () => {
    const data = { count: 2, ids: ['none', id(2)], flows: ['first', 'second'] };
    expect(readTurn(lane, data, 0).requests).toEqual([{ requestId: id(2), flow: 'second' }]);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['text', 'x'],
    ['a negative count', { count: -1 }],
    ['a fraction', { count: 1.5, ids: 'no list' }],
    ['ids that are none', { count: 1, ids: [7, '../../etc', "' or 1=1", null] }],
  ])('makes a turn for one of %s', (_name, data) => {
    expect(readTurn(lane, data, -5)).toEqual({ lane, count: 1, requests: [], ageMs: 0 });
  });

  it('bounds what it takes', () => {
    const turn = readTurn(lane, { count: 1e9, ids: Array.from({ length: 1000 }, (_, n) => id(n)) }, 0);
    expect(turn.count).toBe(64);
    expect(turn.requests).toHaveLength(64);
  });
});
