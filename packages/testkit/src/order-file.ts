import { existsSync, readFileSync } from 'node:fs';

/**
 * What a test has put there for a process that runs, or `undefined`. Asked all the time and hardly ever there: to try and
 * read it each time took a tenth of a front end's processor time.
 */
export function readOrderFile(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // taken away meanwhile
  }
}
