import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100;

/** CPU milliseconds a process and all below it have used so far (Linux: /proc); undefined elsewhere. */
export function cpuMs(pid: number): number | undefined {
  try {
    const children = childrenOf();
    const family = [pid];
    for (let index = 0; index < family.length; index += 1) family.push(...(children.get(family[index] ?? 0) ?? []));
    return family.reduce((sum, member) => sum + ownCpuMs(member), 0);
  } catch {
    return undefined; // no /proc here: the table leaves the column out
  }
}

function fields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Fields 14 to 17 of proc(5): user and system time, own and of children waited for. */
function ownCpuMs(pid: number): number {
  try {
    return (
      (fields(pid)
        .slice(11, 15)
        .reduce((sum, field) => sum + Number(field), 0) *
        1000) /
      ticksPerSecond
    );
  } catch {
    return 0; // it ended meanwhile; its parent has waited for it and counts it
  }
}

function childrenOf(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(fields(Number(name))[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // ended between the listing and the reading
    }
  }
  return children;
}
