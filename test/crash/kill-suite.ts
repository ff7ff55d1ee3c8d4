import { type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdminJournal } from './admin-journal.js';
import { type LiveAudit, startLiveAudit } from './live-audit.js';
import { type Load, startLoad } from './load.js';
import { startAgain } from './mixtures/start-again.js';
import type { Site } from './provocations.js';
import { dieAt, type servicePoints } from './service-kill-points.js';
import { freezeSignerPastItsLease, killSignerAt, signerKillPoints, untilInFlight, untilOpen } from './signer-faults.js';

/** Little, so that it is the tokens that are short and not the machine, whatever else runs on it. */
const signaturesPerSecond = 30;
/** Clients while a service dies, which is one that some of them talk to; and while a signer does. */
const inFlight = { services: 40, signers: 100 } as const;
const openMin = 100;

/**
 * A death at each of these points, and at each of the signer's own so many times, under load; and a signer that comes
 * back late. Then the end of all work, and the accounting of all of it.
 */
export function killSuite(how: {
  readonly leaseMs: number;
  readonly points: typeof servicePoints;
  readonly signerRounds: number;
}): void {
  const { leaseMs } = how;
  let system: System;
  let load: Load;
  let liveAudit: LiveAudit;
  let site: Site;
  const loads: Load[] = [];
  const underLoadOf = (clients: number): void => {
    beforeAll(() => {
      load = startLoad(system, { inFlight: clients });
      loads.push(load);
      site = { system, load, journal: site?.journal ?? createAdminJournal(system), signaturesPerSecond, leaseMs };
    });
    afterAll(() => load.stop());
  };
  beforeAll(async () => {
    system = await startSystem({ signers: 3, frontEnds: 2, leaseMs, signaturesPerSecond });
    liveAudit = startLiveAudit(system);
  });
  afterAll(async () => {
    await liveAudit?.stop();
    if (system) expect(await system.stop()).toEqual([]);
  });

  function servicesDie(): void {
    underLoadOf(inFlight.services);
    it.each(how.points)('kill -9 at %s', async (label, provoked) => {
      await untilInFlight(load, inFlight.services / 2);
      await startAgain(await dieAt(site, label, provoked));
    });
  }
  function signersDie(): void {
    underLoadOf(inFlight.signers);
    it.each(Array.from({ length: how.signerRounds }, () => signerKillPoints).flat())(
      `kill -9 at %s with at least ${openMin} requests open`,
      async (label) => {
        await untilOpen(system, load, 1.8 * openMin);
        expect((await killSignerAt(system, label)).open).toBeGreaterThanOrEqual(openMin);
      },
    );

    it('SIGSTOP past the lease, then SIGCONT', async () => {
      await freezeSignerPastItsLease(system, load, signaturesPerSecond);
    });
  }
  if (how.points.length > 0) describe('services', servicesDie);
  if (how.signerRounds > 0) describe('signers', signersDie);

  it('client history, witness and ledger agree, every CA that was begun is there, and the live auditor told no lie', async () => {
    await system.settle(20_000);
    await expect
      .poll(() => system.query(`select name from registry.ca where state = 'pending'`), { timeout: 60_000 })
      .toEqual([]);
    await system.settle(10_000);
    for (const { readBack } of loads) await readBack();
    const answers = loads.flatMap(({ client }) => client.answers);
    const { violations, counts } = await system.audit(answers, 60_000);
    expect(violations).toEqual([]);
    expect(await site.journal.falsehoods()).toEqual([]);
    // It was a test: certificates came, and some serials had to be burned for them.
    expect(counts.issued).toBeGreaterThan(100);
    expect(counts.burned).toBeGreaterThan(0);
    const { alarms, audits, requests } = await liveAudit.stop();
    expect(alarms).toEqual([]);
    expect(audits).toBeGreaterThan(5);
    expect(requests).toBeGreaterThan(100);
  });
}
