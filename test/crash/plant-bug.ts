import type { System } from '@sluice/testkit';

/** A bug in a function of the ledger: pieces of its text, each to be replaced by another. */
export interface PlantedBug {
  readonly function: string;
  readonly pieces: readonly (readonly [piece: string, instead: string])[];
}

/**
 * Puts the bug into the running system's database; the result takes it out again. Throws when a piece is not there any
 * more: then the function has changed and the bug must be planted anew, not silently left out.
 */
export async function plantBug(system: System, bug: PlantedBug): Promise<() => Promise<void>> {
  const [row] = await system.query<{ definition: string }>('select pg_get_functiondef($1::regproc) as definition', [
    bug.function,
  ]);
  const right = row?.definition ?? '';
  let wrong = right;
  for (const [piece, instead] of bug.pieces) {
    if (wrong.split(piece).length !== 2) throw new Error(`${bug.function} does not hold exactly one «${piece}»`);
    wrong = wrong.replace(piece, () => instead);
  }
  await system.query(wrong);
  return async () => {
    await system.query(right);
  };
}
