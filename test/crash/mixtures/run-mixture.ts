import { setTimeout as wait } from 'node:timers/promises';
import type { Answer, System } from '@sluice/testkit';
import { startLoad } from '../load.js';
import { untilInFlight } from '../signer-faults.js';
import { startAdminLoad } from './admin-load.js';
import { type Fault, faults } from './faults.js';
import { type PlannedFault, planMixture, type Times } from './plan.js';
import { seededRandom } from './seeded-random.js';
import { startAgain } from './start-again.js';

export const signaturesPerSecond = 60;
const inFlight = 40;
/** All accepted work has ended so long after the faults. */
const endWaitMs = 60_000;

export interface MixtureReport {
  readonly seed: number;
  readonly faults: readonly (PlannedFault & { readonly chose: string })[];
  readonly answers: number;
  readonly issued: number;
  /** From the end of the last fault to the first certificate that was ordered after it. */
  readonly recoveredMs: number;
  /** From the end of the last fault until nothing was open any more; the load went on for some of it. */
  readonly endedMs: number;
  /** Everything that must not be; empty when all is well. */
  readonly violations: readonly string[];
}

/**
 * One mixture on a running system: load and changes to the registry, the planned faults, the end of all work, and the
 * accounting of everything this system has done so far (`history` gets what this mixture added). Never throws for what
 * Sluice did wrong: the report says it.
 */
export async function runMixture(
  system: System,
  history: Answer[],
  { seed, times }: { readonly seed: number; readonly times: Times },
): Promise<MixtureReport> {
  const load = startLoad(system, { inFlight, patienceMs: 20_000 });
  const changes = startAdminLoad(system, String(seed));
  await untilInFlight(load, inFlight / 2);

  const planned = planMixture(seed, times);
  const struck = await Promise.all(planned.map((fault) => strike(system, fault)));
  for (const member of [...system.frontEnds, ...system.signers, system.registry]) await startAgain(member);
  const overAt = Date.now();

  const violations: string[] = [];
  const recoveredMs = await untilIssued(load.client.answers, overAt);
  if (recoveredMs === undefined) violations.push(`nothing ordered after the faults was issued within ${endWaitMs} ms`);
  violations.push(...(await changes.stop()));
  await load.stop();
  violations.push(...(await allEnded(system)));
  const endedMs = Date.now() - overAt;
  if (endedMs > endWaitMs) violations.push(`accepted work was open for ${endedMs} ms after the faults`);
  if (violations.length === 0) await load.readBack();
  history.push(...load.client.answers);
  const report = await system.audit(history);
  violations.push(...report.violations.map(({ rule, detail }) => `${rule}: ${detail}`));
  return {
    seed,
    faults: planned.map((fault, index) => ({ ...fault, chose: struck[index] ?? '' })),
    answers: load.client.answers.length,
    issued: load.client.answers.filter(({ fate }) => fate === 'issued').length,
    recoveredMs: recoveredMs ?? Number.NaN,
    endedMs,
    violations,
  };
}

async function strike(system: System, { kind, beginsMs, lastsMs, seed }: PlannedFault): Promise<string> {
  await wait(beginsMs);
  const fault: Fault = faults[kind];
  return await fault.strike({ system, lastsMs, random: seededRandom(seed), signaturesPerSecond });
}

async function untilIssued(answers: readonly Answer[], sinceMs: number): Promise<number | undefined> {
  while (Date.now() - sinceMs < endWaitMs) {
    const first = answers.find(
      (answer) => answer.fate === 'issued' && answer.call === 'POST' && answer.sentAt >= sinceMs,
    );
    if (first !== undefined) return first.endedAt - sinceMs;
    await wait(20);
  }
  return undefined;
}

/** Until no request is open and every CA that was begun is there. */
async function allEnded(system: System): Promise<string[]> {
  const end = performance.now() + endWaitMs;
  for (;;) {
    const [open] = await system.query<{ work: number; pending: number }>(
      `select (select count(*) from ledger.work)::integer as work, (select count(*) from registry.ca where state = 'pending')::integer as pending`,
    );
    if (open?.work === 0 && open.pending === 0) return [];
    if (performance.now() > end)
      return [`after ${endWaitMs} ms ${open?.work} requests are open, ${open?.pending} CAs pending`];
    await wait(50);
  }
}

/** One line for people. */
export function lineOf({ seed, faults: struck, ...report }: MixtureReport): string {
  const what = struck.map(({ kind, chose, beginsMs, lastsMs }) => `${kind} (${chose}) at ${beginsMs}+${lastsMs}`);
  const { answers, issued, recoveredMs, endedMs, violations } = report;
  const verdict = violations.length === 0 ? 'agreed' : `VIOLATED: ${violations.slice(0, 5).join(' | ')}`;
  return `seed ${seed}: ${what.join(', ')}: ${answers} answers, ${issued} issued, again after ${recoveredMs} ms, ended after ${endedMs} ms, ${verdict}`;
}
