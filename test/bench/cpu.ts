import type { System } from '@sluice/testkit';
import { familyOf, statFields } from './process-family.js';

const ticksPerSecond = 100;

/** CPU milliseconds a process and all below it have used so far (Linux: /proc); undefined elsewhere. */
export function cpuMs(pid: number): number | undefined {
  try {
    return familyOf(pid).reduce((sum, member) => sum + ownCpuMs(member), 0);
  } catch {
    return undefined; // no /proc here: the table leaves the column out
  }
}

/** Of a system's own PostgreSQL, all its processes; NaN where it cannot be known. */
export function postgresCpuMs({ postgres }: System): number {
  return (postgres === undefined ? undefined : cpuMs(postgres.pid)) ?? Number.NaN;
}

/** Fields 14 to 17 of proc(5): user and system time, own and of children waited for. */
function ownCpuMs(pid: number): number {
  try {
    return (
      (statFields(pid)
        .slice(11, 15)
        .reduce((sum, field) => sum + Number(field), 0) *
        1000) /
      ticksPerSecond
    );
  } catch {
    return 0; // it ended meanwhile; its parent has waited for it and counts it
  }
}
