import type { RequestClass } from '@sluice/issuance';
import { describe, expect, it } from 'vitest';
import { createBatchSize } from './batch-size.js';
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
  it('is 64 for fast keys, few for slow ones, and comes back', () => {
    const size = createBatchSize();
    expect(size.rows()).toBe(64);
    for (let count = 0; count < 30; count += 1) size.observe(4, 160);
    expect(size.rows()).toBeLessThanOrEqual(4);
    for (let count = 0; count < 30; count += 1) size.observe(1, 5_000);
    expect(size.rows()).toBe(1);
    for (let count = 0; count < 80; count += 1) size.observe(64, 10);
    expect(size.rows()).toBe(64);
  });
});

describe('the back-off of a CA', () => {
  it('doubles up to 30 s with full jitter, counts a batch once, and is nobody else’s', () => {
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
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(told).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].map((ms) => ['a', 'token-failed', ms]));
    expect(backOff.waiting('b')).toBeUndefined();
    expect(backOff.doubtful('a')).toBe(true);
    backOff.succeeded('a');
    expect(backOff.doubtful('a')).toBe(false);
  });
});

describe('claim slots', () => {
  it('are given by share while all classes want them, and wholly to one that is alone', async () => {
    const slots = new ClaimSlots(1);
    const served: Record<RequestClass, number> = { urgent: 0, interactive: 0, async: 0, background: 0 };
    let rounds = 0;
    async function want(requestClass: RequestClass): Promise<void> {
      while (rounds < 1000) {
        await slots.acquire(requestClass);
        rounds += 1;
        served[requestClass] += 1;
        await Promise.resolve();
        slots.release(requestClass, 64);
      }
    }
    // Two of each, as a lane with a full claim has the next one waiting while it signs.
    await Promise.all(
      (['urgent', 'interactive', 'async', 'background'] as const).flatMap((one) => [want(one), want(one)]),
    );
    const shares = [served.urgent, served.interactive, served.async, served.background].map((count) =>
      Math.round(count / 10),
    );
    expect(shares.map((share, index) => Math.abs(share - ([20, 60, 15, 5][index] ?? 0)) <= 2)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    rounds = 990;
    const before = served.background;
    await want('background');
    expect(served.background - before).toBe(10);
    expect(slots.free).toBe(true);
  });
});
