import { readOrderFile } from '@sluice/testkit';

/** Bugs that live in a process and not in the ledger's functions. */
export type ProcessBug =
  | 'hasty-accept'
  | 'false-refusal'
  | 'signs-again'
  | 'sleep-uncounted'
  | 'steps-back'
  | 'undecided'
  | 'unadmitted';

/** How long what was read last is taken for what is planted. */
const readEveryMs = 20;
let readAtMs = Number.NEGATIVE_INFINITY;
let present: ReadonlySet<string> = new Set();

/** Whether a line of the file names this bug now, or did 20 ms ago: a test plants and removes it while the process runs. */
export function planted(file: string | undefined, bug: ProcessBug): boolean {
  if (file === undefined) return false;
  if (performance.now() - readAtMs > readEveryMs) {
    readAtMs = performance.now();
    present = new Set(readOrderFile(file)?.split('\n'));
  }
  return present.has(bug);
}
