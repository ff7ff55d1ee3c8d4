import { beforeEach, expect, it } from 'vitest';
import { createOutageLog, type OutageLog } from './outage-log.js';

let nowMs: number;
let said: object[];
let outage: OutageLog;
beforeEach(() => {
  nowMs = 5000;
  said = [];
  const note = ({ event, count, forMs }: Record<string, unknown>): void => void said.push([event, count, forMs]);
  const log = { info: note, warn: note, error: note } as never;
  const messages = { failed: 'no', again: 'yes' };
  outage = createOutageLog({ log, name: 'sweep', messages, monotonicMs: () => nowMs });
});

function failFor(seconds: number): void {
  for (let second = 0; second < seconds; second += 1) {
    outage.failed(new Error('away'));
    nowMs += 1000;
  }
}

it('says the first failure at once, the others ever more rarely with their count, and the end', () => {
  failFor(100);
  outage.over();
  outage.over();
  expect(said).toEqual([
    ['sweep-failed', 1, 0],
    ['sweep-failed', 11, 10_000],
    ['sweep-failed', 31, 30_000],
    ['sweep-failed', 71, 70_000],
    ['sweep-again', 100, 100_000],
  ]);
});

it('is never silent for more than ten minutes, and says the next outage at once', () => {
  failFor(4 * 3600);
  expect(said.length).toBeGreaterThan(4 * 6);
  outage.over();
  said = [];
  failFor(11);
  expect(said).toEqual([
    ['sweep-failed', 1, 0],
    ['sweep-failed', 11, 10_000],
  ]);
});

it('says at once what is new', () => {
  failFor(2);
  for (const code of ['config-invalid', undefined, 'config-invalid'])
    outage.failed(Object.assign(new Error(), { code }));
  expect(said.map((line) => (line as unknown[])[1])).toEqual([1, 3]);
});

it('says nothing of what goes well', () => {
  outage.over();
  expect(said).toEqual([]);
});
