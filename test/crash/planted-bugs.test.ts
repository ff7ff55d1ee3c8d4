import { type System, startSystem, type Violation } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Load, startLoad } from './load.js';
import { type PlantedBug, plantBug } from './plant-bug.js';
import { freezeSignerPastItsLease, killSignerAt, untilInFlight, untilSignersAlive } from './signer-faults.js';

/** A test of the test: with these bugs the same faults must make the same accounting fail. */
const signaturesPerSecond = 120;
const leaseMs = 2000;

let system: System;
const seen = new Set<string>();
beforeAll(async () => {
  system = await startSystem({
    signers: 3,
    leaseMs,
    signaturesPerSecond,
    // The signer's own look at the serials it gets would hide one of the bugs.
    env: { signer: { TESTKIT_TRUST_CLAIMS: '1' } },
  });
});
afterAll(async () => {
  await system?.stop(); // what the bugs left behind may be stuck
});

/** The violations that came with this bug. */
async function violationsWith(
  bug: PlantedBug | undefined,
  fault: (load: Load) => Promise<unknown>,
): Promise<Violation[]> {
  await untilSignersAlive(system, 3);
  const remove = bug === undefined ? undefined : await plantBug(system, bug);
  const load = startLoad(system, { inFlight: 60, patienceMs: 1000 });
  try {
    await untilInFlight(load, 50);
    await fault(load);
    await load.stop();
    // A bug may well leave something open for ever: the accounting says what.
    await system.settle(leaseMs + 2500).catch(() => undefined);
    const { violations } = await system.audit(load.client.answers);
    return violations.filter(({ detail }) => !seen.has(detail) && seen.add(detail));
  } finally {
    await load.stop();
    await remove?.();
  }
}

const rules = (violations: readonly Violation[]): string[] => [...new Set(violations.map(({ rule }) => rule))];
const killWhileSigning = (load: Load) => killSignerAt(system, load, 'signer:after-sign');

it('without a bug it finds nothing', async () => {
  expect(await violationsWith(undefined, killWhileSigning)).toEqual([]);
});

it('complete without the attempt (and the serial that belongs to it) in its compare-and-set', async () => {
  const bug: PlantedBug = {
    function: 'ledger.complete',
    pieces: [
      ["= 'signing' and w.attempt = u.attempt and w.serial = u.serial", "= 'signing'"],
      // The second look, at the serials themselves, would refuse it.
      ['v_count <> cardinality(v_done)', 'false'],
    ],
  };
  const found = await violationsWith(bug, (load) => freezeSignerPastItsLease(system, load, signaturesPerSecond));
  expect(rules(found)).toContain('two-certificates');
});

it('a sweep that queues again without burning', async () => {
  const bug: PlantedBug = {
    function: 'ledger.burn_attempts',
    pieces: [
      [
        "update ledger.serial s set state = 'burned' from ledger.work w where",
        "update ledger.serial s set state = 'burned' from ledger.work w where false and",
      ],
    ],
  };
  expect(rules(await violationsWith(bug, killWhileSigning))).toContain('witnessed-not-burned');
});

// Last: it leaves requests that can never end.
it('an attempt that uses the old serial again', async () => {
  const bug: PlantedBug = {
    function: 'ledger.claim',
    pieces: [
      [
        'p_serials[row_number() over (order by j.request_id)]',
        `coalesce((select o.serial from ledger.serial o where o.request_id = j.request_id order by o.attempt limit 1),
          p_serials[row_number() over (order by j.request_id)])`,
      ],
      ['from taken t where t.serial is not null', 'from taken t where t.serial is not null on conflict do nothing'],
    ],
  };
  expect(rules(await violationsWith(bug, killWhileSigning))).toContain('signed-twice');
});
