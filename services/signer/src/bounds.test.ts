import { describe, expect, it } from 'vitest';
import { batchRows } from './batch-size.js';
import { createCaBackOff } from './ca-back-off.js';
import { ClaimSlots } from './claim-slots.js';
import { createWorkLease } from './work-lease.js';

describe('the lease of claimed work', () => {
  it.each([
    [10_000, 7_999, true],
    [10_000, 8_000, false],
    [1_000, 799, true],
    [1_000, 801, false],
    [60_000, 57_999, true],
  ])('of %i ms lets the key be asked after %i ms: %s', (leaseMs, nowMs, may) => {
    expect(createWorkLease(0, leaseMs, () => nowMs).mayAskKey()).toBe(may);
  });
});

describe('the size of a batch', () => {
  it.each([
    [undefined, 64],
    [10_000, 64],
    [500, 37],
    [100, 7],
    [5, 1],
    [0, 1],
  ])('of a lane that signs %s rows a second is %i with two claims in flight', (rowsPerSecond, rows) => {
    expect(batchRows(rowsPerSecond, 2)).toBe(rows);
  });
});

describe('the back-off of a CA', () => {
  it('doubles up to 10 s with full jitter, counts a batch once, and is nobody else’s', () => {
    let nowMs = 0;
    const told: [string, string, number][] = [];
    const backOff = createCaBackOff({ monotonicMs: () => nowMs, random: () => 1 }, (...wait) => told.push(wait));
    const waits: number[] = [];
    for (let count = 0; count < 8; count += 1) {
      backOff.failed('a', 'token-failed');
      backOff.failed('a', 'token-failed');
      const beganMs = nowMs;
      while (backOff.waiting('a')) nowMs += 100;
      waits.push(nowMs - beganMs);
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
    expect(told).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000].map((ms) => ['a', 'token-failed', ms]));
    expect(backOff.waiting('b')).toBeUndefined();
    expect(backOff.doubtful('a')).toBe(true);
    backOff.succeeded('a');
    expect(backOff.doubtful('a')).toBe(false);
  });

  it('leaves a CA alone while a signature of it is overdue, and no longer', () => {
    const backOff = createCaBackOff({ monotonicMs: () => 0, random: () => 0 }, () => undefined);
    const ends = [() => backOff.succeeded('a'), () => backOff.failed('a', 'token-failed'), () => backOff.tokenIsBack()];
    for (const end of ends) {
      backOff.overdue('a');
      expect([backOff.waiting('a'), backOff.waitingCas()]).toEqual(['token-failed', ['a']]);
      end();
      expect([backOff.waiting('a'), backOff.waitingCas()]).toEqual([undefined, []]);
    }
  });
});

describe('claim slots', () => {
  it('are given in the order of asking, as they come free', async () => {
    const slots = new ClaimSlots(2);
    const order: number[] = [];
    const ask = (number: number) => slots.acquire().then(() => order.push(number));
    const asked = [1, 2, 3, 4].map(ask);
    await Promise.all(asked.slice(0, 2));
    expect([order, slots.free]).toEqual([[1, 2], false]);
    slots.release();
    slots.release();
    await Promise.all(asked);
    slots.release();
    expect([order, slots.free]).toEqual([[1, 2, 3, 4], true]);
  });
});
