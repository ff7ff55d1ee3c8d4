import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The lines of a page's code blocks that are for a shell. */
export function commandsOf(page: string): string[] {
  const text = readFileSync(fileURLToPath(new URL(`runbooks/${page}`, repository())), 'utf8');
  const blocks = [...text.matchAll(/^ *```\n([^`]*)```$/gm)].flatMap(([, block = '']) => block.split('\n'));
  return blocks.map((line) => line.trim()).filter((line) => line.startsWith('sluice '));
}

/** A line as a shell would pass it on, without the command itself; what the page calls by an example's name, by its own. */
export function wordsOf(line: string, names: Readonly<Record<string, string>> = {}): string[] {
  const words = (line.match(/"[^"]*"|\S+/g) ?? []).slice(1).map((word) => word.replaceAll('"', ''));
  return words.map((word) => names[word] ?? word);
}

/** This file runs as it is written and as it is built, one folder deeper. */
function repository(): URL {
  const built = import.meta.url.includes('/test/dist/');
  return new URL(built ? '../../../' : '../../', import.meta.url);
}
