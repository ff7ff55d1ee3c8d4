import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRetryCalendar, retryAfterMaxS } from './retry-calendar.js';

it('says whole seconds within its bounds, whatever it is asked', () => {
  const anything = fc.oneof(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.constant(Number.POSITIVE_INFINITY));
  const asks = fc.array(fc.tuple(fc.nat(5000), anything, anything, fc.double({ min: 0, max: 0.999, noNaN: true })));
  fc.assert(
    fc.property(asks, (rows) => {
      const calendar = createRetryCalendar();
      let nowMs = 0;
      for (const [passed, earliestS, perSecond, random] of rows) {
        nowMs += passed;
        const told = calendar.book(nowMs, earliestS, perSecond, random);
        expect(Number.isInteger(told)).toBe(true);
        expect(told).toBeGreaterThanOrEqual(1);
        expect(told).toBeLessThanOrEqual(retryAfterMaxS);
      }
    }),
  );
});

it('no second gets more than can be signed in it, and none is told to come before there is room', () => {
  const calendar = createRetryCalendar();
  const told = Array.from({ length: 1000 }, () => calendar.book(500, 3, 10, 0));
  expect(Math.min(...told)).toBe(3);
  const perSecond = Array.from({ length: retryAfterMaxS }, (_, s) => told.filter((delayS) => delayS === s).length);
  expect(Math.max(...perSecond)).toBe(8);
  expect(Math.max(...told)).toBe(3 + 1000 / 8 - 1);
});

it('time makes room again, however long nobody asked', () => {
  const calendar = createRetryCalendar();
  for (let refused = 0; refused < 80; refused += 1) calendar.book(0, 1, 10, 0);
  expect(calendar.book(0, 1, 10, 0)).toBe(11);
  expect(calendar.book(5000, 1, 10, 0)).toBe(6);
  expect(calendar.book(3_600_000, 1, 10, 0)).toBe(1);
});

it('leaves the room of those who come for the first time, and counts neither a burst nor whom it sent', () => {
  const calendar = createRetryCalendar();
  const told = new Map<number, number>();
  for (let second = 0; second < 60; second += 1) {
    const coming = 50 + (told.get(second) ?? 0) + (second === 30 ? 400 : 0);
    for (let one = 0; one < coming; one += 1) calendar.came(second * 1000);
    // Of 100 a second, those who are too many: the burst.
    for (let refused = 0; refused < coming - 100; refused += 1) {
      const atS = second + calendar.book(second * 1000, 1, 100, 0);
      told.set(atS, (told.get(atS) ?? 0) + 1);
    }
  }
  // Not before the burst is over: it is thought to go on for a few seconds.
  expect(Math.min(...told.keys())).toBe(30 + 1 + 3);
  expect(Math.max(...told.values())).toBe(30);
  expect([...told.values()].reduce((sum, one) => sum + one)).toBe(350);
});

it('sends a tenth of what can be signed back even where more than that comes by itself', () => {
  const calendar = createRetryCalendar();
  for (let second = 0; second < 60; second += 1) for (let one = 0; one < 1000; one += 1) calendar.came(second * 1000);
  const told = Array.from({ length: 100 }, () => calendar.book(60_000, 1, 100, 0));
  // From when the flood may be over, as long again as is known of it.
  expect([Math.min(...told), Math.max(...told)]).toEqual([13, 22]);
});

it('tells nobody to come back while a burst goes on, and those who are refused after it that there is room soon', () => {
  const calendar = createRetryCalendar();
  const earliest: number[] = [];
  for (let second = 0; second < 8; second += 1) {
    const coming = second < 3 ? 500 : 50;
    for (let one = 0; one < coming; one += 1) calendar.came(second * 1000);
    earliest.push(second + calendar.book(second * 1000, 1, 100, 0));
  }
  expect(earliest).toEqual([0 + 4, 1 + 5, 2 + 6, 3 + 6, 4 + 1, 5 + 1, 6 + 1, 7 + 1]);
});

it('spreads by up to a fifth', () => {
  const of = (random: number) => createRetryCalendar().book(0, 50, 10, random);
  expect([of(0), of(0.5), of(0.999)]).toEqual([50, 55, 60]);
});
