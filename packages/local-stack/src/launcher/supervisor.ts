import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '@sluice/errors';
import { readIfThere } from '../secret-file.js';
import { allGone, commandLine, signal } from '../server-process.js';
import { type ServiceProcess, spawnService } from '../service-process.js';
import type { LocalFolder } from './local-folder.js';

export interface ServiceSpec {
  readonly name: string;
  /** Absolute path of its main.js. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Keeps services running and stops them in the reverse of the order in which they were started. */
export interface Supervisor {
  /** Returns its address once its /readyz says so. Throws `unavailable` with what it still waits for. */
  start(spec: ServiceSpec): Promise<string>;
  /** SIGTERM, one service after the other, so that what stops first can still be answered by the rest. */
  stop(waitMs: number): Promise<void>;
  /** SIGKILL for all that are left. */
  kill(): void;
}

const readyWaitMs = 60_000;
const shortestDelayMs = 500;
const longestDelayMs = 30_000;
/** One that ran this long had recovered: the next delay is short again. */
const recoveredMs = 60_000;

/** Once `stop` aborts, nothing is started again. */
export function createSupervisor(folder: LocalFolder, say: (line: string) => void, stop: AbortSignal): Supervisor {
  const running = new Map<string, ServiceProcess>();
  const pids = new Set<number>();
  const givenUp = new AbortController();
  const stopping = AbortSignal.any([stop, givenUp.signal]);

  const spawn = async (spec: ServiceSpec): Promise<ServiceProcess> => {
    const pidFile = join(folder.run, `${spec.name}.pid`);
    const service = await spawnService({
      entry: spec.entry,
      env: spec.env,
      logFile: join(folder.logs, `${spec.name}.log`),
      onSpawn: (pid) => {
        pids.add(pid);
        writeFileSync(pidFile, `${pid}\n${spec.entry}\n`, { mode: 0o600 });
      },
    });
    running.set(spec.name, service);
    void service.exited.then(() => {
      pids.delete(service.pid);
      rmSync(pidFile, { force: true });
      running.delete(spec.name);
    });
    return service;
  };

  const keepRunning = async (spec: ServiceSpec, first: ServiceProcess): Promise<void> => {
    let service: ServiceProcess | undefined = first;
    let delayMs = shortestDelayMs;
    while (!stopping.aborted) {
      const since = performance.now();
      if (service !== undefined) {
        const { code, signal: by } = await service.exited;
        if (stopping.aborted) return;
        if (performance.now() - since > recoveredMs) delayMs = shortestDelayMs;
        say(
          `${spec.name} ended (${by ?? `exit ${code}`}); starts again in ${delayMs / 1000} s. Its log: ${join(folder.logs, spec.name)}.log`,
        );
      }
      await sleep(delayMs, undefined, { signal: stopping }).catch(() => undefined);
      if (stopping.aborted) return;
      delayMs = Math.min(delayMs * 2, longestDelayMs);
      service = await spawn(spec).catch((fault: unknown) => {
        say(`${spec.name} does not start: ${fault instanceof Error ? fault.message : String(fault)}`);
        return undefined;
      });
      if (service !== undefined) {
        if (stopping.aborted) await service.terminate();
        else say(`${spec.name} runs again on http://${service.address}`);
      }
    }
  };

  return {
    async start(spec) {
      const service = await spawn(spec);
      await waitUntilReady(service, stopping);
      void keepRunning(spec, service);
      return service.address;
    },
    async stop(waitMs) {
      givenUp.abort();
      for (const service of [...running.values()].reverse()) await service.terminate(waitMs);
    },
    kill() {
      givenUp.abort();
      // Also those that do not listen yet.
      for (const pid of pids) signal(pid, 'SIGKILL');
    },
  };
}

async function waitUntilReady(service: ServiceProcess, stopping: AbortSignal): Promise<void> {
  const end = performance.now() + readyWaitMs;
  let ended = false;
  void service.exited.then(() => {
    ended = true;
  });
  for (;;) {
    const said = await readiness(service.address);
    if (said === 'ready') return;
    stopping.throwIfAborted();
    if (ended) throw new SluiceError('unavailable', `${service.name} ended before it was ready`);
    if (performance.now() > end) throw new SluiceError('unavailable', `${service.name} is not ready: ${said}`);
    await sleep(50);
  }
}

/** `ready`, or in words what it waits for. */
async function readiness(address: string): Promise<string> {
  try {
    const answer = await fetch(`http://${address}/readyz`, { signal: AbortSignal.timeout(5000) });
    return answer.ok ? 'ready' : await answer.text();
  } catch (fault) {
    return fault instanceof Error ? fault.message : String(fault);
  }
}

/** Stops the services that a killed launcher left running: they drain for `waitMs`, then SIGKILL. Returns their names. */
export async function stopLeftovers(folder: LocalFolder, waitMs: number): Promise<string[]> {
  const left = readdirSync(folder.run)
    .filter((file) => file.endsWith('.pid') && file !== 'launcher.pid')
    .map((file) => {
      const [pid, entry] = (readIfThere(join(folder.run, file)) ?? '').split('\n');
      return { file, pid: Number(pid), entry: entry ?? '' };
    });
  // A number may belong to a stranger by now: its command line tells.
  const alive = left.filter(({ pid, entry }) => pid > 0 && entry !== '' && commandLine(pid).includes(entry));
  for (const { pid } of alive) {
    signal(pid, 'SIGTERM');
    signal(pid, 'SIGCONT');
  }
  const pids = alive.map(({ pid }) => pid);
  if (!(await allGone(pids, waitMs))) {
    for (const pid of pids) signal(pid, 'SIGKILL');
    await allGone(pids, 5000);
  }
  for (const { file } of left) rmSync(join(folder.run, file), { force: true });
  return alive.map(({ file }) => file.replace(/\.pid$/, ''));
}
