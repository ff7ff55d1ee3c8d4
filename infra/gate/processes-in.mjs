// Which processes belong to a test run: by its temporary folder. Where there is no /proc nothing can be looked at.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
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

/** Those of `folder`, but for this process and its own children. */
function processesIn(folder) {
  if (!existsSync('/proc/self')) return [];
  const us = new Set([process.pid, ...childrenOf(process.pid)]);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !us.has(Number(name)) && belongsTo(name, folder))
    .map((pid) => ({ pid: Number(pid), command: commandOf(pid) }));
}

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

/** Ends what belongs to `folder`, after `graceMs` for what is ending by itself. Returns what had to be ended. */
export async function endProcessesIn(folder, graceMs) {
  const end = performance.now() + graceMs;
  let left = processesIn(folder);
  while (left.length > 0 && performance.now() < end) {
    await wait(100);
    left = processesIn(folder);
  }
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // gone meanwhile
    }
  }
  return left;
}
