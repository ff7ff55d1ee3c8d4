import { expect, it } from 'vitest';
import { createAdmittedSince, type Placed } from './3-admitted-since.js';

const placed: Placed = { lane: 'interactive.default', flow: 'f', account: 'demo', held: false, newFlow: true };

it('what was stored stays counted however long no count comes, and goes with the count that has seen it', () => {
  const since = createAdmittedSince(0);
  for (let second = 1; second <= 500; second += 1) {
    since.begin(placed);
    since.stored(placed);
    since.nextPeriod(second * 1000);
  }
  expect(since.of('lane', placed.lane)).toBe(500);
  expect(since.of('newFlows', placed.lane)).toBe(500);
  since.forget(499_000);
  expect(since.of('account', placed.account)).toBe(1);
  since.forget(500_000);
  expect(since.of('flow', placed.flow)).toBe(0);
});

it('what was not stored leaves no trace', () => {
  const since = createAdmittedSince(0);
  since.begin(placed);
  expect(since.of('newFlows', placed.lane)).toBe(1);
  since.giveBack(placed);
  for (const [kind, name] of [
    ['lane', placed.lane],
    ['flow', placed.flow],
    ['account', placed.account],
    ['newFlows', placed.lane],
  ] as const)
    expect(since.of(kind, name)).toBe(0);
});
