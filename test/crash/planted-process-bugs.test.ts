import { type System, startSystem, type Violation } from '@sluice/testkit';
import { afterAll, beforeAll, it } from 'vitest';
import type { ProcessBug } from '../processes/bugs/planted.js';
import { expectFound, expectNothing, type Provocation } from './planted-bench.js';
import { acceptedThenKilled, answerLost, fewOrders, frontEndKilled, signerAsleep } from './planted-provocations.js';

/** A test of the test, with bugs that live in front ends, in signers, and in what PostgreSQL says of a commit. */
const leaseMs = 2000;

let system: System;
beforeAll(async () => {
  system = await startSystem({ signers: 2, wires: true, postgres: 'own', leaseMs });
});
afterAll(async () => {
  await system?.stop(); // what the bugs did may have shown in more than the accounting
});

it('without a bug it finds nothing', async () => {
  await expectNothing(system, leaseMs, [fewOrders, signerAsleep, frontEndKilled, answerLost, acceptedThenKilled]);
});

it.each<[string, ProcessBug, Provocation, Violation['rule']]>([
  ['a front end that answers before the commit', 'hasty-accept', frontEndKilled, 'lost'],
  ['a front end that takes a lost answer for a refusal', 'false-refusal', answerLost, 'fate-proved-false'],
  ['a signer that asks its key once more', 'signs-again', fewOrders, 'signed-twice'],
  ['a signer that does not notice that its lease ran out', 'sleep-uncounted', signerAsleep, 'signed-after-lease'],
])('%s (%s)', async (_, bug, provoke, found) => {
  await expectFound(system, leaseMs, bug, provoke, found);
});

it('a ledger that says that a commit is durable when it is not (synchronous_commit off)', async () => {
  const first = 'v_now := clock_timestamp();';
  // Of this transaction alone: a service looks at its session's as it enrols, and refuses to go on.
  const instead = `${first} perform set_config('synchronous_commit', 'off', true);`;
  const bug = { function: 'ledger.accept', pieces: [[first, instead]] } as const;
  await expectFound(system, leaseMs, bug, acceptedThenKilled, 'lost');
});
