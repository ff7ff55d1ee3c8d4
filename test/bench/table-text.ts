export type Table = readonly [title: string, head: readonly string[], rows: readonly (readonly string[])[]];

/** What failed, by outcome, in one cell. */
export const failed = (failures: Readonly<Record<string, number>>): string =>
  Object.entries(failures)
    .map(([what, count]) => `${count} × ${what}`)
    .join(', ') || '–';

/** A dash where nothing was measured. */
export const ms = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(1));

/** Aligned columns, readable as Markdown too. */
export function tableText([title, head, rows]: Table): string {
  const widths = head.map((name, index) => Math.max(name.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`;
  return [`\n${title}\n`, line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
