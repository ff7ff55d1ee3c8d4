import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from './secret-file.js';
import { commandLine, processesIn } from './server-process.js';

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** Joined by spaces: tells whether it runs as we would start it. */
  readonly commandLine: string;
}

/** The postmaster that serves `dataDir`, by its postmaster.pid and only when that process really works there. */
export function findPostmaster(dataDir: string): Postmaster | undefined {
  const lines = (readIfThere(join(dataDir, 'postmaster.pid')) ?? '').split('\n');
  const pid = Number(lines[0]);
  if (!pid || !processesIn(dataDir, pid).includes(pid)) return undefined;
  return { pid, port: Number(lines[3]), commandLine: commandLine(pid) };
}

/**
 * Removes a postmaster.pid whose process is gone or is a stranger with the number: the server would refuse to start
 * for a living stranger. Only to be called when no process works in `dataDir`.
 */
export function removeStalePidFile(dataDir: string): void {
  rmSync(join(dataDir, 'postmaster.pid'), { force: true });
}
