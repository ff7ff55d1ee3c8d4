import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Operator, Said } from './sluice-command.js';

/** The lines of a page's code blocks that are for a shell. */
export function commandsOf(page: string): string[] {
  const text = readFileSync(fileURLToPath(new URL(`../../runbooks/${page}`, import.meta.url)), 'utf8');
  const blocks = [...text.matchAll(/^ *```\n([^`]*)```$/gm)].flatMap(([, block = '']) => block.split('\n'));
  return blocks.map((line) => line.trim()).filter((line) => line.startsWith('sluice '));
}

/** Runs a line as a shell would, with `names` in place of the page's words; fails when it does not end as it should. */
export async function doLine(
  operator: Operator,
  line: string,
  names: Readonly<Record<string, string>> = {},
  exitCode = 0,
): Promise<Said> {
  const words = (line.match(/"[^"]*"|\S+/g) ?? []).slice(1).map((word) => word.replaceAll('"', ''));
  const said = await operator.sluice(...words.map((word) => names[word] ?? word));
  expect(said, `${line}\n${said.err}`).toMatchObject({ exitCode });
  return said;
}
