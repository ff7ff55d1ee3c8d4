import { readFileSync } from 'node:fs';
import type { Member, System } from '@sluice/testkit';
import { familyOf } from './process-family.js';

export interface ProcessMemory {
  readonly process: string;
  /** NaN where it cannot be known. Of PostgreSQL all its processes, what they share counted once. */
  readonly residentMiB: number;
  /** Used by JavaScript; not of the servers. */
  readonly heapMiB?: number;
}

const mebibyte = 1_048_576;

/** How much memory each process of a system uses now. */
export async function memoryOf(system: System): Promise<ProcessMemory[]> {
  const services = await Promise.all([...system.frontEnds, ...system.signers, system.registry].map(memoryOfService));
  const servers = [
    { process: 'PostgreSQL', residentMiB: proportionalMiB(system.postgres?.pid) },
    { process: 'Redis', residentMiB: proportionalMiB(system.redis.pid) },
  ];
  return [...services, ...servers];
}

/** As the service itself says in its metrics. */
export async function memoryOfService({ name, url }: Member): Promise<ProcessMemory> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const value = (metric: string): number =>
    Number(new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(metrics)?.[1] ?? Number.NaN) / mebibyte;
  return {
    process: name,
    residentMiB: value('sluice_process_resident_memory_bytes'),
    heapMiB: value('sluice_nodejs_heap_size_used_bytes'),
  };
}

/** Linux: /proc/PID/smaps_rollup (proc(5)), in which each sharer of a page has its part of it. */
function proportionalMiB(pid: number | undefined): number {
  if (pid === undefined) return Number.NaN;
  try {
    return familyOf(pid).reduce((sum, member) => sum + ownKiB(member) / 1024, 0);
  } catch {
    return Number.NaN; // no /proc here
  }
}

function ownKiB(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // it ended meanwhile
  }
}
