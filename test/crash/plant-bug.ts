import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { System } from '@sluice/testkit';
import type { ProcessBug } from '../processes/bugs/planted.js';

/** A bug in a function of the ledger: pieces of its text, each to be replaced by another. */
export interface LedgerBug {
  readonly function: string;
  readonly pieces: readonly (readonly [piece: string, instead: string])[];
  /** The guard, a trigger of `ledger.work`, that would refuse what the bug does. */
  readonly withoutGuard?: string;
}

/** Of the ledger, or one that the processes of test/processes have. */
export type PlantedBug = LedgerBug | ProcessBug;

/** Longer than a process takes to see what is planted. */
const noticedMs = 100;

/**
 * Puts the bug into the running system; the result takes it out again. Throws when a piece is not there any more: then
 * the function has changed and the bug must be planted anew, not silently left out.
 */
export async function plantBug(system: System, bug: PlantedBug): Promise<() => Promise<void>> {
  if (typeof bug !== 'string') return await plantInLedger(system, bug);
  await writePlanted(system, (others) => [...others, bug]);
  return () => writePlanted(system, (planted) => planted.filter((one) => one !== bug));
}

/** One bug per line. */
async function writePlanted({ bugFile }: System, change: (planted: readonly string[]) => string[]): Promise<void> {
  const planted = existsSync(bugFile) ? readFileSync(bugFile, 'utf8').split('\n') : [];
  writeFileSync(bugFile, change(planted).join('\n'));
  await wait(noticedMs);
}

async function plantInLedger(system: System, bug: LedgerBug): Promise<() => Promise<void>> {
  const [row] = await system.query<{ definition: string }>('select pg_get_functiondef($1::regproc) as definition', [
    bug.function,
  ]);
  const right = row?.definition ?? '';
  let wrong = right;
  for (const [piece, instead] of bug.pieces) {
    if (wrong.split(piece).length !== 2) throw new Error(`${bug.function} does not hold exactly one «${piece}»`);
    wrong = wrong.replace(piece, () => instead);
  }
  const guard = (verb: 'disable' | 'enable'): string =>
    bug.withoutGuard === undefined ? '' : `; alter table ledger.work ${verb} trigger ${bug.withoutGuard}`;
  await system.query(wrong + guard('disable'));
  return async () => {
    await system.query(right + guard('enable'));
  };
}
