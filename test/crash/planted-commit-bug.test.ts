import { randomUUID } from 'node:crypto';
import { makeCsr, type System, startSystem, testProfiles } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { whileCaIsHeld } from './held-ca.js';
import { expectFound, expectNothing, type Provocation } from './planted-bench.js';

/** A test of the test, with the bug that no process has: PostgreSQL says that a commit is durable when it is not. */
const leaseMs = 2000;

let system: System;
beforeAll(async () => {
  system = await startSystem({ postgres: 'own', leaseMs });
});
afterAll(async () => {
  await system?.stop(); // what the bug did may have shown in more than the accounting
});

/**
 * Orders are accepted, and PostgreSQL dies. Until then nobody may commit anything else, which would take what is before
 * it to the disk; nor may the process that does so five times a second.
 */
const acceptedThenKilled: Provocation = async ({ postgres, ...rest }) => {
  const client = rest.client();
  const [walWriter] = await rest.query<{ pid: number }>(
    `select pid from pg_stat_activity where backend_type = 'walwriter'`,
  );
  await whileCaIsHeld({ postgres, ...rest }, async () => {
    process.kill(walWriter?.pid ?? Number.NaN, 'SIGSTOP');
    const accepted = await Promise.all(
      Array.from({ length: 8 }, (_, index) => {
        const name = `accepted-${index}.example`;
        const { pem: csr } = makeCsr('ec-p256', name);
        const order = { profile: testProfiles.p256, csr, subjectDn: { common_name: name } };
        return client.post({ ...order, key: randomUUID(), prefer: 'respond-async' });
      }),
    );
    await postgres?.kill9();
    expect(accepted.map(({ fate }) => fate)).toEqual(accepted.map(() => 'continuing'));
  });
  await postgres?.restart();
  return client.answers;
};

it('without the bug it finds nothing', async () => {
  await expectNothing(system, leaseMs, [acceptedThenKilled]);
});

it('accepts that commit with synchronous_commit off: lost', async () => {
  const first = 'v_now := clock_timestamp();';
  // Of this transaction alone: a service looks at its session's as it enrols, and refuses to go on.
  const instead = `${first} perform set_config('synchronous_commit', 'off', true);`;
  const bug = { function: 'ledger.accept', pieces: [[first, instead]] } as const;
  await expectFound(system, leaseMs, bug, acceptedThenKilled, 'lost');
});
