import type { CheckedRow } from './recheck.js';

/** By name, in the order in which the names and their rows come. */
export function groupRows(
  rows: readonly CheckedRow[],
  nameOf: (checked: CheckedRow) => string,
): Map<string, CheckedRow[]> {
  const groups = new Map<string, CheckedRow[]>();
  for (const checked of rows) {
    const name = nameOf(checked);
    const group = groups.get(name);
    if (group) group.push(checked);
    else groups.set(name, [checked]);
  }
  return groups;
}
