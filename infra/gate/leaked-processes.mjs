// vitest global set-up: every run gets a temporary folder of its own, and whatever still runs in it afterwards was
// leaked by a test: it is ended, named, and fails the run. Where there is no /proc nothing can be looked at.
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Working folder, arguments and environment: a server may overwrite one of them, not all three. */
function belongsTo(pid, folder) {
  const facts = [
    () => readlinkSync(`/proc/${pid}/cwd`),
    () => readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
    () => readFileSync(`/proc/${pid}/environ`, 'utf8'),
  ];
  return facts.some((fact) => {
    try {
      return fact().includes(folder);
    } catch {
      return false; // gone meanwhile, or another user's
    }
  });
}

function leftIn(folder) {
  if (!existsSync('/proc/self')) return [];
  const runner = new Set([process.pid, ...childrenOf(process.pid)]);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !runner.has(Number(name)) && belongsTo(name, folder))
    .map((pid) => ({ pid: Number(pid), command: commandOf(pid) }));
}

/** vitest's own workers are still there while the tear-down runs. */
function childrenOf(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return 'gone';
  }
}

export default function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  chmodSync(folder, 0o755); // PostgreSQL of a root's run works under another user
  process.env.TMPDIR = folder;
  return async () => {
    let left = leftIn(folder);
    for (let turn = 0; turn < 20 && left.length > 0; turn += 1) {
      await wait(100); // a child that was told to end may need a moment
      left = leftIn(folder);
    }
    for (const { pid } of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // gone meanwhile
      }
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    if (left.length > 0) {
      process.exitCode = 1;
      throw new Error(
        `tests left processes behind:\n${left.map(({ pid, command }) => `  ${pid} ${command}`).join('\n')}`,
      );
    }
  };
}
