import { type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Load, startLoad } from './load.js';
import { everythingKilled, flushAll, type Outage, redisAway, redisHanging } from './outages.js';
import { untilInFlight } from './signer-faults.js';

/** The outages one after the other under load, then the accounting of all of it. */
export function outageSuite(how: {
  readonly outageMs: number;
  readonly leaseMs: number;
  readonly inFlight: number;
  readonly signaturesPerSecond: number;
}): void {
  const { outageMs, leaseMs, inFlight, signaturesPerSecond } = how;
  let system: System;
  let load: Load;
  beforeAll(async () => {
    system = await startSystem({ signers: 2, frontEnds: 2, postgres: 'own', leaseMs, signaturesPerSecond });
    load = startLoad(system, { inFlight });
  });
  afterAll(async () => {
    if (system) expect(await system.stop()).toEqual([]);
  });

  it.each<[string, Outage]>([
    ['FLUSHALL', flushAll],
    ['Redis killed', redisAway(outageMs)],
    ['Redis hanging', redisHanging(outageMs)],
    ['kill -9 of everything', everythingKilled],
  ])('%s: it goes on by itself', async (_, outage) => {
    await untilInFlight(load, inFlight - 10);
    await outage(system, load);
    const before = load.client.answers.length;
    await expect
      .poll(() => load.client.answers.slice(before).some((answer) => answer.fate === 'issued'), { timeout: 15_000 })
      .toBe(true);
  });

  it('every accepted request ended, by witness, client history and ledger', async () => {
    await load.stop();
    await system.settle(30_000);
    await load.readBack();
    const { violations, counts } = await system.audit(load.client.answers, 60_000);
    expect(violations).toEqual([]);
    expect(counts.issued).toBeGreaterThan(50);
  });
}
