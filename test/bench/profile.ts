import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Member } from '@sluice/testkit';

/** Environment of services that are to be profiled into that folder. */
export function profiledEnvironment(dir: string): Record<string, string> {
  const hook = pathToFileURL(fileURLToPath(new URL('./profiled.js', import.meta.url))).href;
  return { NODE_OPTIONS: `--import ${hook}`, BENCH_PROFILE_DIR: dir };
}

/** A profile of each service over what `work` does: `NAME.cpuprofile` for a browser's tools, `NAME.txt` to be read here. */
export async function profileServices(
  dir: string,
  members: readonly Member[],
  work: () => Promise<unknown>,
): Promise<void> {
  const file = (member: Member): string => join(dir, `${member.name}.cpuprofile`);
  for (const member of members) {
    rmSync(file(member), { force: true });
    process.kill(member.process.pid, 'SIGUSR2');
  }
  await work();
  for (const member of members) process.kill(member.process.pid, 'SIGUSR2');
  for (const member of members) {
    await untilWritten(file(member));
    writeFileSync(join(dir, `${member.name}.txt`), topText(member.name, readFileSync(file(member), 'utf8')));
  }
}

async function untilWritten(path: string): Promise<void> {
  let bytes = -1;
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const now = existsSync(path) ? statSync(path).size : -1;
    if (now > 0 && now === bytes) return;
    bytes = now;
    await wait(100);
  }
  throw new Error(`${path} was not written`);
}

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { functionName: string; url: string; lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const rowsMax = 20;
/** Waiting, and the profiler's own starting and stopping. */
const notWork = new Set(['(idle)', 'dispatch']);

/** The functions in which a process spent most of its time itself, below what they called. */
export function topText(name: string, json: string): string {
  const { nodes, samples, timeDeltas } = JSON.parse(json) as CpuProfile;
  const names = new Map(nodes.map(({ id, callFrame }) => [id, frameText(callFrame)]));
  const selfMs = new Map<string, number>();
  samples.forEach((id, index) => {
    const frame = names.get(id) ?? '?';
    selfMs.set(frame, (selfMs.get(frame) ?? 0) + (timeDeltas[index] ?? 0) / 1000);
  });
  const totalMs = [...selfMs.values()].reduce((sum, ms) => sum + ms, 0);
  const notWorkMs = [...notWork].reduce((sum, frame) => sum + (selfMs.get(frame) ?? 0), 0);
  const busyMs = Math.max(1, totalMs - notWorkMs);
  const top = [...selfMs]
    .filter(([frame]) => !notWork.has(frame))
    .sort(([, a], [, b]) => b - a)
    .slice(0, rowsMax);
  const lines = top.map(
    ([frame, ms]) => `${((ms / busyMs) * 100).toFixed(1).padStart(6)} % ${ms.toFixed(0).padStart(8)} ms  ${frame}`,
  );
  const head = `${name}: busy ${busyMs.toFixed(0)} ms of ${totalMs.toFixed(0)} ms; self time by function, of what was busy`;
  return `${[head, ...lines].join('\n')}\n`;
}

function frameText({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const place = url === '' ? '' : ` ${url.startsWith('node:') ? url : basename(url)}:${lineNumber + 1}`;
  return `${functionName === '' ? '(anonymous)' : functionName}${place}`;
}
