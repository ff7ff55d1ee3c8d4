import { mkdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startPostgres } from '@sluice/local-stack';

const lockWaitMs = 90_000;

/**
 * One PostgreSQL for all test files of a run, started by the first that asks: the admin URL. Make a database of your
 * own on it (createDatabase), and do not stop it: the end of the run does. Whoever kills servers starts one of its own.
 */
export async function sharedPostgres(): Promise<string> {
  const dir = sharedPostgresDir();
  const lock = `${dir}.lock`;
  const end = performance.now() + lockWaitMs;
  // Two test files at once: mkdir lets one through.
  while (!made(lock)) {
    if (performance.now() > end) throw new Error(`somebody holds ${lock} for ${lockWaitMs} ms`);
    await wait(25);
  }
  try {
    return (await startPostgres({ dir })).adminUrl;
  } finally {
    rmdirSync(lock);
  }
}

/** Every run has a temporary folder of its own (infra/gate/leaked-processes.mjs), and so a server of its own. */
function sharedPostgresDir(): string {
  return join(tmpdir(), 'shared-postgres');
}

function made(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
