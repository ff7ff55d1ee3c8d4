import { describe, expect, it } from 'vitest';
import { BusyRate } from './busy-rate.js';

function measured(places = 1) {
  let nowMs = 1000;
  const rate = new BusyRate(() => nowMs, places);
  return {
    rate,
    pass: (ms: number) => {
      nowMs += ms;
    },
    /** So long busy, with a row in hand always, and one done every so many ms. */
    work(forMs: number, msPerRow: number) {
      rate.begin();
      for (let ms = 0; ms < forMs; ms += msPerRow) {
        nowMs += msPerRow;
        rate.done(1);
      }
      rate.end();
    },
  };
}

describe('the capacity', () => {
  it('is not known before anything was in hand', () => {
    const { rate, pass } = measured();
    pass(5000);
    expect(rate.perSecond()).toBeUndefined();
  });

  it('is rows per second of work, however little work there is, and however many are in hand at once', () => {
    const { rate, pass, work } = measured();
    for (let round = 0; round < 100; round += 1) {
      rate.begin();
      work(100, 10);
      rate.end();
      pass(900);
    }
    expect(rate.perSecond()).toBeGreaterThan(95);
    expect(rate.perSecond()).toBeLessThan(105);
  });

  it('stays while idle, for months', () => {
    const { rate, pass, work } = measured();
    work(1000, 10);
    const before = rate.perSecond() ?? 0;
    for (let days = 0; days < 60; days += 1) {
      pass(86_400_000);
      expect(rate.perSecond()).toBeCloseTo(before, 6);
    }
  });

  it('falls towards 0 with a signature that does not come, and is back as soon as they come again', () => {
    const { rate, pass, work } = measured();
    work(10_000, 10);
    rate.begin();
    pass(2000);
    expect(rate.perSecond()).toBeLessThan(50);
    pass(8000);
    expect(rate.perSecond()).toBeLessThan(1);
    rate.end();
    work(3000, 10);
    expect(rate.perSecond()).toBeGreaterThan(70);
  });

  it('is found again with the first few rows after a hang, however seldom they come', () => {
    const { rate, pass, work } = measured();
    rate.begin();
    pass(60_000);
    rate.end();
    for (let round = 0; round < 3; round += 1) {
      work(10, 10);
      pass(1000);
    }
    expect(rate.perSecond()).toBeGreaterThan(8);
    work(500, 10);
    expect(rate.perSecond()).toBeGreaterThan(50);
  });

  it('of a token that answers once in two seconds stays low', () => {
    const { rate, work } = measured();
    work(20_000, 2000);
    expect(rate.perSecond()).toBeLessThan(5);
  });

  it('after a calm time, in which rows took next to nothing, is the true one after 5 s of overload', () => {
    const { rate, pass, work } = measured();
    for (let round = 0; round < 2000; round += 1) {
      work(1, 0.2);
      pass(50);
    }
    expect(rate.perSecond()).toBeGreaterThan(3000);
    work(5000, 10);
    expect(rate.perSecond()).toBeLessThan(125);
  });

  describe('of four places', () => {
    /** One order now and then, in hand for so long. */
    function single(times: number, tookMs: number, { rate, pass }: ReturnType<typeof measured>): void {
      for (let order = 0; order < times; order += 1) {
        pass(500);
        rate.begin();
        pass(tookMs);
        rate.done(1);
        rate.end();
      }
    }
    /** More in hand than there are places, a row done every so many ms. */
    function full(forMs: number, msPerRow: number, { rate, pass }: ReturnType<typeof measured>): void {
      rate.begin(8);
      for (let ms = 0; ms < forMs; ms += msPerRow) {
        pass(msPerRow);
        rate.done(1);
      }
      rate.end(8);
    }

    it('is time per row × places as long as they were never all used', () => {
      const four = measured(4);
      single(20, 40, four);
      expect(four.rate.perSecond()).toBeCloseTo(100, -1);
    });

    it('is what was done while all were used, as soon as that is known, and after it', () => {
      const four = measured(4);
      single(20, 40, four);
      full(3000, 20, four);
      expect(four.rate.perSecond()).toBeCloseTo(50, -1);
      single(20, 40, four);
      expect(four.rate.perSecond()).toBeCloseTo(50, -1);
    });

    it('falls with what single orders take, and is back with them', () => {
      const four = measured(4);
      full(5000, 10, four);
      single(20, 800, four);
      expect(four.rate.perSecond()).toBeGreaterThan(3);
      expect(four.rate.perSecond()).toBeLessThan(8);
      single(100, 20, four);
      expect(four.rate.perSecond()).toBeCloseTo(100, -1);
    });

    it('falls towards 0 with a single row that hangs, and a hang while full says nothing about after it', () => {
      const four = measured(4);
      full(5000, 10, four);
      four.rate.begin();
      four.pass(10_000);
      expect(four.rate.perSecond()).toBeLessThan(1);
      four.rate.begin(7);
      four.pass(60_000);
      four.rate.end(8);
      single(20, 40, four);
      expect(four.rate.perSecond()).toBeGreaterThan(60);
    });
  });
});
