import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '@sluice/errors';
import { readIfThere } from './secret-file.js';

export interface ServerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/**
 * Starts a server in a process group of its own, so that a Ctrl-C at the terminal reaches the launcher and not the
 * server, which is stopped last. Its output is added to `logFile`. It outlives this process when nobody stops it.
 */
export function startDetached(command: ServerCommand, cwd: string, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(command.file, [...command.args], {
      cwd,
      env: { ...command.env },
      detached: true,
      stdio: ['ignore', log, log],
      ...(command.uid === undefined ? {} : { uid: command.uid, gid: command.gid ?? command.uid }),
    });
    // Seen by waitUntilReady as an exit; without a listener it would end this process.
    child.on('error', () => child.emit('exit', 127, null));
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** True while the process exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (fault) {
    return fault instanceof Error && 'code' in fault && fault.code === 'EPERM';
  }
  return !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false; // no /proc here, or gone meanwhile: the next question tells
  }
}

/** Programs this package starts. Somebody's shell in a data directory is not one of them. */
const ourPrograms = /^(postgres|redis-server|valkey-server)/;

/**
 * Every server process that works in `dir` (its current directory, as PostgreSQL and Redis do): a pid file alone may
 * name a stranger that got the number later. Where there is no /proc, `pidHint` and its children, when the command line
 * names `dir`.
 */
export function processesIn(dir: string, pidHint?: number): number[] {
  if (!existsSync(dir)) return [];
  const real = realpathSync(dir);
  if (!existsSync('/proc/self/cwd')) return pidHint === undefined ? [] : processTreeNaming(real, pidHint);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => workingDirectory(pid) === real && ourPrograms.test(programName(pid)) && !isZombie(pid));
}

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // ended meanwhile, or somebody else's: not ours either way
  }
}

/** The process's command line, joined by spaces; empty when it is gone. Tells a stranger that has the number by now. */
export function commandLine(pid: number): string {
  if (!isAlive(pid)) return '';
  const fromProc = readIfThere(`/proc/${pid}/cmdline`);
  if (fromProc !== undefined) return fromProc.split('\0').slice(0, -1).join(' ');
  if (existsSync('/proc/self')) return '';
  const asked = spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  return asked.stdout.trim();
}

/** As the kernel cuts it: 15 characters. Empty when it ended meanwhile. */
function programName(pid: number): string {
  return readIfThere(`/proc/${pid}/comm`) ?? '';
}

function processTreeNaming(dir: string, pid: number): number[] {
  const table = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,command='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ pid: Number(match[1]), parent: Number(match[2]), command: match[3] ?? '' }));
  if (!table.some((row) => row.pid === pid && row.command.includes(dir))) return [];
  return [pid, ...table.filter((row) => row.parent === pid).map((row) => row.pid)];
}

/** Sends a signal; a process that is gone is not an error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (fault) {
    if (!(fault instanceof Error && 'code' in fault && fault.code === 'ESRCH')) throw fault;
  }
}

/** True when none of `pids` is alive within `waitMs`. Polls: these need not be our children. */
export async function allGone(pids: readonly number[], waitMs: number): Promise<boolean> {
  const end = performance.now() + waitMs;
  for (;;) {
    if (!pids.some(isAlive)) return true;
    if (performance.now() > end) return false;
    await sleep(20);
  }
}

/**
 * Stops a process in the way given and, after `waitMs`, with SIGKILL together with everything in `dir`. A frozen
 * process (SIGSTOP) is thawed first, or it would not see the signal.
 */
export async function stopServer(pid: number, dir: string, gently: NodeJS.Signals, waitMs: number): Promise<void> {
  signal(pid, gently);
  signal(pid, 'SIGCONT');
  if (await allGone([pid], waitMs)) return;
  await killServer(dir, pid);
}

/** SIGKILL for the server and all its children; returns when none is left. */
export async function killServer(dir: string, pidHint?: number): Promise<void> {
  for (let round = 0; round < 20; round++) {
    const pids = processesIn(dir, pidHint);
    if (pids.length === 0) return;
    for (const pid of pids) signal(pid, 'SIGKILL');
    await allGone(pids, 500);
  }
  throw new SluiceError('unavailable', `the server in ${dir} does not end, not even by SIGKILL`);
}

/** Repeats `probe` until it answers true; fails at once when the process ends, with the last lines of its log. */
export async function waitUntilReady(
  what: string,
  pid: number,
  probe: () => Promise<boolean>,
  options: { waitMs: number; logFile: string },
): Promise<void> {
  const end = performance.now() + options.waitMs;
  while (!(await probe())) {
    if (!isAlive(pid))
      throw new SluiceError('unavailable', `${what} ended while starting:\n${lastLines(options.logFile)}`);
    if (performance.now() > end) {
      throw new SluiceError(
        'unavailable',
        `${what} was not ready in ${options.waitMs} ms:\n${lastLines(options.logFile)}`,
      );
    }
    await sleep(25);
  }
}

/** The end of a log, for an error message. */
export function lastLines(file: string, count = 15): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return `(no log at ${file})`;
  }
}
