// vitest global set-up: every run gets a temporary folder of its own, and whatever still runs in it afterwards was
// leaked by a test: it is ended, named, and fails the run. A run that is killed has nobody to do that: end-with-run.mjs.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endProcessesIn } from './processes-in.mjs';

const endWithRun = fileURLToPath(new URL('end-with-run.mjs', import.meta.url));

/** Not in our process group: what ends that must not end it. The pipe is closed by our death, whatever that is. */
function watch(folder) {
  const watcher = spawn(process.execPath, [endWithRun, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.unref();
  watcher.stdin.unref();
  return watcher;
}

export default function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  chmodSync(folder, 0o755); // PostgreSQL of a root's run works under another user
  const watcher = watch(folder);
  process.env.TMPDIR = folder;
  return async () => {
    // vitest's own workers are our children, and are still there while the tear-down runs.
    const left = await endProcessesIn(folder, 2000);
    watcher.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    if (left.length > 0) {
      process.exitCode = 1;
      throw new Error(
        `tests left processes behind:\n${left.map(({ pid, command }) => `  ${pid} ${command}`).join('\n')}`,
      );
    }
  };
}
