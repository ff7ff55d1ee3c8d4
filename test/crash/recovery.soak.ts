import { setTimeout as wait } from 'node:timers/promises';
import { type Member, type System, startSystem } from '@sluice/testkit';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Load, startLoad } from './load.js';
import { statusOf } from './service-status.js';
import { untilInFlight } from './signer-faults.js';

// Goal: PostgreSQL is killed under load and comes back; everything goes on by itself within 10 s, and nothing that was
// accepted is lost. Counted from the first connection that PostgreSQL takes again.

const recoveryMs = 10_000;
const inFlight = 30;
/** The first are over before a breaker opens; the last are as long as an operator takes. */
const outagesMs = [0, 1000, 5000, 15_000, 30_000];

let system: System;
let load: Load;
beforeAll(async () => {
  system = await startSystem({ signers: 2, frontEnds: 2, postgres: 'own', signaturesPerSecond: 40 });
  load = startLoad(system, { inFlight });
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

it('PostgreSQL killed and started again: a certificate, and everybody ready, within 10 s', async () => {
  const rows: Record<string, number>[] = [];
  for (const outageMs of outagesMs) {
    await untilInFlight(load, inFlight / 2);
    rows.push({ 'away for, ms': outageMs, ...(await killedFor(outageMs)) });
    await wait(5000);
  }
  console.table(rows);
  for (const { 'away for, ms': _, ...took } of rows) expect(Math.max(...Object.values(took))).toBeLessThan(recoveryMs);
});

it('every accepted request ended, by witness, client history and ledger', async () => {
  await load.stop();
  await system.settle(60_000);
  await load.readBack();
  const { violations, counts } = await system.audit(load.client.answers);
  expect(violations).toEqual([]);
  expect(counts.issued).toBeGreaterThan(100);
});

/** Milliseconds from when it takes connections again. */
async function killedFor(outageMs: number): Promise<Record<string, number>> {
  const members = [...system.frontEnds, ...system.signers, system.registry];
  await system.postgres?.kill9();
  await wait(outageMs);
  const restarted = system.postgres?.restart();
  await untilItConnects();
  const backAt = Date.now();
  const since = async (soon: Promise<unknown>): Promise<number> => soon.then(() => Date.now() - backAt);
  const took = await Promise.all([
    since(untilIssued(backAt)),
    ...members.map((member) => since(untilReady(member))),
    restarted,
  ]);
  const names = ['first certificate', ...members.map(({ name }) => name)];
  return Object.fromEntries(names.map((name, index) => [name, took[index] ?? Number.NaN]));
}

async function untilItConnects(): Promise<void> {
  for (;;) {
    const client = new Client({ connectionString: system.adminUrl });
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await wait(20); // not yet
    }
  }
}

async function untilIssued(sinceMs: number): Promise<void> {
  const { answers } = load.client;
  while (!answers.some(({ fate, endedAt }) => fate === 'issued' && endedAt >= sinceMs)) await wait(20);
}

async function untilReady(member: Member): Promise<void> {
  while (!(await statusOf(member)).ready) await wait(50);
}
