import { readdirSync, readFileSync } from 'node:fs';

/** Fields of /proc/PID/stat (proc(5)) from the third, the state, on. Throws when there is no such process, or no /proc. */
export function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** A process and all below it. Throws where there is no /proc. */
export function familyOf(pid: number): number[] {
  const children = childrenOf();
  const family = [pid];
  for (let index = 0; index < family.length; index += 1) family.push(...(children.get(family[index] ?? 0) ?? []));
  return family;
}

function childrenOf(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(statFields(Number(name))[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // ended between the listing and the reading
    }
  }
  return children;
}
