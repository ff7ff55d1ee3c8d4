import { readFileSync } from 'node:fs';

/** Bugs that live in a process and not in the ledger's functions. */
export type ProcessBug = 'hasty-accept' | 'false-refusal' | 'signs-again';

/** Whether the file names this bug now: a test plants and removes it while the process runs. */
export function planted(file: string | undefined, bug: ProcessBug): boolean {
  if (file === undefined) return false;
  try {
    return readFileSync(file, 'utf8') === bug;
  } catch {
    return false; // none is planted
  }
}
