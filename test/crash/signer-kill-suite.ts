import { type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Load, startLoad } from './load.js';
import { freezeSignerPastItsLease, killSignerAt, signerKillPoints, untilOpen } from './signer-faults.js';

const openMin = 100;

/** Each kill point, `rounds` times, and a signer that comes back late, under load; then the accounting of all of it. */
export function signerKillSuite(how: {
  readonly leaseMs: number;
  readonly rounds: number;
  readonly inFlight: number;
  readonly signaturesPerSecond: number;
}): void {
  const { leaseMs, rounds, inFlight, signaturesPerSecond } = how;
  let system: System;
  let load: Load;
  beforeAll(async () => {
    system = await startSystem({ signers: 3, frontEnds: 2, leaseMs, signaturesPerSecond });
    load = startLoad(system, { inFlight });
  });
  afterAll(async () => {
    if (system) expect(await system.stop()).toEqual([]);
  });

  it.each(Array.from({ length: rounds }, () => signerKillPoints).flat())(
    `kill -9 at %s with at least ${openMin} requests open`,
    async (label) => {
      await untilOpen(system, load, 1.2 * openMin);
      expect((await killSignerAt(system, label)).open).toBeGreaterThanOrEqual(openMin);
    },
  );

  it('SIGSTOP past the lease, then SIGCONT', async () => {
    await freezeSignerPastItsLease(system, load, signaturesPerSecond);
  });

  it('client history, witness and ledger agree', async () => {
    await load.stop();
    await system.settle(20_000);
    await load.readBack();
    const { violations, counts } = await system.audit(load.client.answers, 60_000);
    expect(violations).toEqual([]);
    // It was a test: certificates came, and some serials had to be burned for them.
    expect(counts.issued).toBeGreaterThan(100);
    expect(counts.burned).toBeGreaterThan(0);
  });
}
