import { expect, it } from 'vitest';
import { defaultLimits, limitsInForce } from './account-limits.js';

it.each([
  [
    { ratePerSecond: 10, burst: 100 },
    { points: 100, windowS: 10 },
  ],
  [
    { ratePerSecond: 10, burst: 25 },
    { points: 30, windowS: 3 },
  ],
  [
    { ratePerSecond: 10, burst: 1 },
    { points: 10, windowS: 1 },
  ],
  [{}, { points: defaultLimits.burst, windowS: 2 }],
])('orders of %j: %j, never more than the rate in the long run', (set, orders) => {
  expect(limitsInForce(set).orders).toEqual(orders);
});

it('there is no quota unless one is set; joins have a second', () => {
  expect(limitsInForce({})).toMatchObject({
    joins: { points: defaultLimits.joinsPerSecond, windowS: 1 },
    day: undefined,
  });
  expect(limitsInForce({ ordersPerDay: 7, joinsPerSecond: 3 })).toMatchObject({
    joins: { points: 3, windowS: 1 },
    day: { points: 7, windowS: 86_400 },
  });
});
