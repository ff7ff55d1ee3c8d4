import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '@sluice/errors';
import { environment } from './environment.js';
import { allGone, lastLines, signal } from './server-process.js';

export interface ServiceExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running service process. */
export interface ServiceProcess {
  readonly name: string;
  readonly pid: number;
  /** "127.0.0.1:PORT", from its log line `event=listening`. */
  readonly address: string;
  /** Settles when it ends, however that comes about; never rejects. */
  readonly exited: Promise<ServiceExit>;
  /** SIGTERM, and waits for the end: it drains. After `waitMs` (default 30 s) SIGKILL. */
  terminate(waitMs?: number): Promise<ServiceExit>;
  /** SIGKILL, and waits for the end. */
  kill9(): Promise<ServiceExit>;
  /** SIGSTOP: alive, and does nothing. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
}

export interface ServiceOptions {
  /** Absolute path of a main.js. */
  readonly entry: string;
  /** Added to PATH, HOME and the like; SLUICE_NAME names the process. */
  readonly env: Readonly<Record<string, string>>;
  /** Its output is added here, without passing through this process. One of `logFile` and `onLine` is needed. */
  readonly logFile?: string;
  /** Called with each line of its output. */
  readonly onLine?: (line: string) => void;
  /** Called at once, before it listens: for whoever must find it again when this process is killed. */
  readonly onSpawn?: (pid: number) => void;
  /** For it to listen; default 30 s. */
  readonly startWaitMs?: number;
}

/**
 * Starts a service and returns when it says that it listens. It has a process group of its own, so a Ctrl-C at the
 * terminal does not reach it. Throws `unavailable` with its last lines when it ends or does not listen in time; then
 * it has been killed.
 */
export async function spawnService(options: ServiceOptions): Promise<ServiceProcess> {
  const name = options.env.SLUICE_NAME ?? options.entry;
  const recent: string[] = [];
  const output = openOutput(options.logFile);
  const child = spawn(process.execPath, ['--enable-source-maps', options.entry], {
    env: { ...environment().base, ...options.env },
    detached: true,
    stdio: ['ignore', output?.descriptor ?? 'pipe', output?.descriptor ?? 'pipe'],
  });
  output?.close();
  if (child.pid !== undefined) options.onSpawn?.(child.pid);
  const exited = new Promise<ServiceExit>((resolve) => {
    child.once('exit', (code, ended) => resolve({ code, signal: ended }));
    child.once('error', () => resolve({ code: 127, signal: null }));
  });
  let ended = false;
  void exited.then(() => {
    ended = true;
  });

  let address: string | undefined;
  const see = (line: string): void => {
    address ??= addressIn(line);
    if (recent.push(line) > 30) recent.shift();
    options.onLine?.(line);
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', see);
  }
  const end = performance.now() + (options.startWaitMs ?? 30_000);
  while (address === undefined) {
    const stopped = ended; // read before the log: what it wrote before its end must be seen
    for (const line of output?.newLines() ?? []) see(line);
    if (address !== undefined) break;
    if (stopped || performance.now() > end) {
      child.kill('SIGKILL');
      await exited;
      const log = options.logFile === undefined ? recent.join('\n') : lastLines(options.logFile);
      throw new SluiceError(
        'unavailable',
        `${name} ${stopped ? 'ended while starting' : 'did not listen in time'}:\n${log}`,
      );
    }
    await Promise.race([sleep(15), exited]);
  }
  const pid = child.pid ?? 0;
  return {
    name,
    pid,
    address,
    exited,
    async terminate(waitMs = 30_000) {
      if (!ended) {
        signal(pid, 'SIGTERM');
        signal(pid, 'SIGCONT'); // a frozen one would not see it
        if (!(await allGone([pid], waitMs)) && !ended) signal(pid, 'SIGKILL');
      }
      return exited;
    },
    kill9() {
      if (!ended) signal(pid, 'SIGKILL');
      return exited;
    },
    freeze: () => signal(pid, 'SIGSTOP'),
    thaw: () => signal(pid, 'SIGCONT'),
  };
}

/** The address in a JSON log line `{"event":"listening","listening":"127.0.0.1:PORT",…}`. */
function addressIn(line: string): string | undefined {
  if (!line.includes('"listening"')) return undefined;
  try {
    const { event, listening } = JSON.parse(line) as { event?: unknown; listening?: unknown };
    return event === 'listening' && typeof listening === 'string' ? listening : undefined;
  } catch {
    return undefined; // not a JSON line: a warning of the runtime, say
  }
}

/** A log file to give to a child, read along from where it ends now. */
function openOutput(logFile: string | undefined) {
  if (logFile === undefined) return undefined;
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 });
  const descriptor = openSync(logFile, 'a', 0o600);
  let offset = statSync(logFile).size;
  let rest = '';
  return {
    descriptor,
    close: () => closeSync(descriptor),
    newLines(): string[] {
      const reader = openSync(logFile, 'r');
      try {
        const bytes = Buffer.alloc(Math.max(0, statSync(logFile).size - offset));
        offset += readSync(reader, bytes, 0, bytes.length, offset);
        const lines = (rest + bytes.toString('utf8')).split('\n');
        rest = lines.pop() ?? '';
        return lines;
      } finally {
        closeSync(reader);
      }
    },
  };
}
