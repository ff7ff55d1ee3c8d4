import type { Answer, System, Violation } from '@sluice/testkit';
import { expect } from 'vitest';
import { type PlantedBug, plantBug } from './plant-bug.js';
import { untilSignersAlive } from './signer-faults.js';

/** Does to the system what brings a bug out, whether there is one or not; returns what its clients were told. */
export type Provocation = (system: System) => Promise<readonly Answer[]>;

/** How long everything may take to come to rest, beyond a lease. */
const restMs = 2500;
/** PostgreSQL's own counts come this much later. */
const countsMs = 15_000;

/** One after the other, without any bug, they must leave nothing that the accounting finds. */
export async function expectNothing(system: System, leaseMs: number, provocations: readonly Provocation[]) {
  const answers: Answer[] = [];
  for (const provoke of provocations) {
    await untilSignersAlive(system, system.signers.length);
    answers.push(...(await provoke(system)));
  }
  await system.settle(leaseMs + 10 * restMs);
  expect((await system.audit(answers)).violations).toEqual([]);
}

/** With the bug, the same provocation must make the same accounting find this. */
export async function expectFound(
  system: System,
  leaseMs: number,
  bug: PlantedBug,
  provoke: Provocation,
  rule: Violation['rule'],
): Promise<void> {
  await untilSignersAlive(system, system.signers.length);
  const earlier = await namesIn(system);
  const isNew = ({ detail }: Violation): boolean =>
    !(detail.match(/[0-9a-f-]{18,}/g) ?? []).some((name) => earlier.has(name));
  const remove = await plantBug(system, bug);
  try {
    const answers = await provoke(system);
    // A bug may well leave something open for ever: the accounting says what.
    await system.settle(leaseMs + restMs).catch(() => undefined);
    const found = async (): Promise<string[]> =>
      (await system.audit(answers)).violations.filter(isNew).map((violation) => violation.rule);
    await expect.poll(found, { timeout: countsMs }).toContain(rule);
  } finally {
    await remove();
    await buryWork(system);
  }
}

/** Requests and serials that are there: what is found of them is not the next bug's. */
async function namesIn(system: System): Promise<Set<string>> {
  const rows = await system.query<{ name: string }>(
    `select id::text as name from ledger.request union all select encode(serial, 'hex') from ledger.serial`,
  );
  return new Set(rows.map(({ name }) => name));
}

/** What a bug left open, and signers might try for ever, goes: past the guards, which would not let it. */
async function buryWork(system: System): Promise<void> {
  await system.query(
    'set session_replication_role = replica; delete from ledger.work; delete from ledger.open_fingerprint',
  );
}
