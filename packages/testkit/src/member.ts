import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServiceProcess, spawnService } from '@sluice/local-stack';

/** A place for a process: it keeps its name, key, files and address while processes come and go in it. */
export interface Member {
  readonly name: string;
  /** "http://127.0.0.1:PORT", the same after each start. */
  readonly url: string;
  readonly process: ServiceProcess;
  /** False from its end to its next start. */
  readonly alive: boolean;
  /** Its log, for whoever looks for the reason. */
  readonly logFile: string;
  /** A new process in this place; the former one must have ended. */
  start(): Promise<void>;
  /** Sets the wall clock of whatever process is in this place so many milliseconds ahead; 0: right again. */
  setClock(aheadMs: number): void;
}

/**
 * Starts `entry` as the process of this name, with its log and clock files in `dir`. Resolves when it listens; throws when it
 * ends before that, or was not built.
 */
export async function startMember(
  name: string,
  entry: string,
  dir: string,
  env: Readonly<Record<string, string>>,
): Promise<Member> {
  if (!existsSync(entry)) throw new Error(`${entry} is missing: build first`);
  const logFile = join(dir, `${name}.log`);
  const clockFile = join(dir, `${name}.clock`);
  let listen = '127.0.0.1:0';
  let alive = false;
  const start = async (): Promise<ServiceProcess> => {
    const own = { SLUICE_NAME: name, SLUICE_LISTEN: listen, TESTKIT_CLOCK_FILE: clockFile };
    const started = await spawnService({ entry, logFile, env: { ...own, ...env } });
    alive = true;
    void started.exited.then(() => {
      alive = false;
    });
    return started;
  };
  let running = await start();
  listen = running.address;
  return {
    name,
    url: `http://${listen}`,
    logFile,
    get process() {
      return running;
    },
    get alive() {
      return alive;
    },
    async start() {
      running = await start();
    },
    setClock: (aheadMs) => writeFileSync(clockFile, String(aheadMs)),
  };
}

/** For a drain (10 s) and what a service waits beyond it, on a machine that does other work. Who needed either says so by its code. */
const drainWaitMs = 25_000;

/** SIGTERM to all of them; says which did not end by itself with code 0. */
export async function endAll(members: readonly Member[]): Promise<string[]> {
  const exits = await Promise.all(
    members.map(async (member) => ({ name: member.name, exit: await member.process.terminate(drainWaitMs) })),
  );
  return exits
    .filter(({ exit }) => exit.code !== 0)
    .map(({ name, exit }) => `${name} ended with ${exit.signal ?? `code ${exit.code}`}`);
}
