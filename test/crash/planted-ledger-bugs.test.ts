import { type System, startSystem, type Violation } from '@sluice/testkit';
import { afterAll, beforeAll, it } from 'vitest';
import type { LedgerBug } from './plant-bug.js';
import { expectFound, expectNothing, type Provocation } from './planted-bench.js';
import { oppositeJoins, ordersThatWait, signerKilled, signerLate } from './planted-provocations.js';

/** A test of the test: with these bugs the same faults must make the same accounting fail. */
const signaturesPerSecond = 30;
const leaseMs = 2000;
const late = signerLate(signaturesPerSecond);

let system: System;
beforeAll(async () => {
  system = await startSystem({
    signers: 3,
    frontEnds: 2,
    leaseMs,
    signaturesPerSecond,
    // The signer's own look at the serials it gets would hide one of the bugs.
    env: { signer: { TESTKIT_TRUST_CLAIMS: '1' } },
  });
});
afterAll(async () => {
  await system?.stop(); // what the bugs did may have shown in more than the accounting
});

it('without a bug it finds nothing', async () => {
  await expectNothing(system, leaseMs, [signerKilled, late, ordersThatWait, oppositeJoins]);
});

interface Case extends LedgerBug {
  readonly bug: string;
  readonly provoke: Provocation;
  readonly found: Violation['rule'];
}

it.each<Case>([
  {
    bug: 'complete without the attempt (and the serial that belongs to it) in its compare-and-set',
    function: 'ledger.complete',
    pieces: [
      ["= 'signing' and w.attempt = u.attempt and w.serial = u.serial", "= 'signing'"],
      // The second look, at the serials themselves, would refuse it.
      ['v_count <> cardinality(v_done)', 'false'],
    ],
    provoke: late,
    found: 'two-certificates',
  },
  {
    bug: 'a sweep that queues again without burning',
    function: 'ledger.burn_attempts',
    pieces: [
      [
        "update ledger.serial s set state = 'burned' from ledger.work w where",
        "update ledger.serial s set state = 'burned' from ledger.work w where false and",
      ],
    ],
    provoke: signerKilled,
    found: 'witnessed-not-burned',
  },
  {
    bug: 'serials burned without being revoked',
    function: 'ledger.burn_attempts',
    pieces: [['where w.request_id = any(v_done) and w.serial is not null;', 'where false;']],
    provoke: signerKilled,
    found: 'burned-not-revoked',
  },
  {
    bug: 'leases that are never swept',
    function: 'ledger.sweep',
    pieces: [['w.lease_until < v_now', 'false']],
    provoke: signerKilled,
    found: 'accepted-without-end',
  },
  {
    bug: 'an attempt that uses the old serial again',
    function: 'ledger.claim',
    pieces: [
      [
        'p_serials[row_number() over (order by j.request_id)]',
        `coalesce((select o.serial from ledger.serial o where o.request_id = j.request_id order by o.attempt limit 1),
          p_serials[row_number() over (order by j.request_id)])`,
      ],
      ['from taken t where t.serial is not null', 'from taken t where t.serial is not null on conflict do nothing'],
    ],
    provoke: signerKilled,
    found: 'signed-twice',
  },
  {
    bug: 'a claim that takes what another has just taken',
    function: 'ledger.claim',
    pieces: [
      [
        "w.ca = any(v_free) and w.state || '' = 'queued' and w.class || '' = p_class and w.key_group || '' = p_key_group",
        'w.ca = any(v_free)',
      ],
      ['for update skip locked', 'for update'],
    ],
    withoutGuard: 'guard_update',
    provoke: ordersThatWait,
    found: 'witnessed-not-burned',
  },
  {
    bug: 'a lost turn that nobody misses',
    function: 'ledger.candidates',
    pieces: [['if cardinality(v_accounts) = 0 then', 'if true then']],
    provoke: ordersThatWait,
    found: 'accepted-without-end',
  },
  {
    bug: 'a decision that compares neither deadline nor due',
    function: 'ledger.decide',
    pieces: [
      ["and ledger.micros(w.deadline) = u.deadline and w.deadline <= clock_timestamp() + interval '250 ms'", ''],
    ],
    provoke: ordersThatWait,
    found: 'fate-proved-false',
  },
  {
    bug: 'locks in the order in which they are asked for',
    function: 'ledger.extend',
    pieces: [
      ['order by w.request_id for no key update', 'order by array_position(p_ids, w.request_id) for no key update'],
    ],
    provoke: oppositeJoins,
    found: 'deadlock',
  },
])('$bug: $found', async ({ provoke, found, ...bug }) => {
  await expectFound(system, leaseMs, bug, provoke, found);
});
