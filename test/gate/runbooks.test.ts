import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, type Terminal } from '@sluice/admin-cli';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../runbooks', import.meta.url));
const pages = readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));

/** Every command line of a page: the lines of its code blocks, and what stands in single ticks. */
function commandsOf(text: string): string[] {
  const blocks = [...text.matchAll(/^ *```\n([^`]*)```$/gm)].flatMap(([, block = '']) => block.split('\n'));
  const inline = [...text.matchAll(/`(sluice [^`\n]+)`/g)].map(([, command = '']) => command);
  return [...blocks.map((line) => line.trim()), ...inline].filter((line) => line.startsWith('sluice '));
}

/** Words as a shell splits them, as far as runbooks need it. */
function wordsOf(command: string): string[] {
  return (command.match(/"[^"]*"|\S+/g) ?? []).slice(1);
}

async function helpOf(path: readonly string[]): Promise<string> {
  const said: string[] = [];
  const terminal = { out: (text: string) => said.push(text), err: (text: string) => said.push(text) };
  await run([...path, '--help'], { terminal: { ...terminal, interactive: false } as unknown as Terminal });
  return said.join('\n');
}

/** What is wrong with a command line, by the help of the command itself; `undefined` when nothing is. */
async function faultOf(command: string): Promise<string | undefined> {
  const words = wordsOf(command);
  const path: string[] = [];
  let help = await helpOf(path);
  for (const word of words) {
    const deeper = await helpOf([...path, word]);
    if (word.startsWith('-') || !deeper.includes(`Usage: sluice ${[...path, word].join(' ')} `)) break;
    path.push(word);
    help = deeper;
  }
  const rest = words.slice(path.length);
  const usage = help.split('\n', 1)[0] ?? '';
  if (path.length === 0) return 'no such command';
  const [next] = rest;
  if (next !== undefined && !next.startsWith('-') && !/[<[](?!options|command)/.test(usage))
    return `takes no "${next}"`;
  const unknown = rest.filter((word) => word.startsWith('--') && !new RegExp(`${word}[ ,\\n]`).test(help));
  return unknown.length > 0 ? `has no ${unknown.join(', ')}` : undefined;
}

describe.each(pages)('$name', ({ text }) => {
  const commands = [...new Set(commandsOf(text))];

  it.each(commands)('%s', async (command) => {
    expect(await faultOf(command)).toBeUndefined();
  });

  it('says what is seen, what must not be done, what to do, and how to know that it worked', () => {
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings[0]).toBe('What you see');
    expect(headings[1]).toBe('What you must not do');
    expect(headings[2]).toMatch(/^Steps/);
    expect(headings.at(-1)).toBe('How you know it worked');
    expect(text).toMatch(/^- \*\*Do not /m);
  });

  it('leads only to pages that exist', () => {
    for (const [, target = ''] of text.matchAll(/\]\(([^)]+)\)/g)) {
      expect([target, existsSync(join(folder, target))]).toEqual([target, true]);
    }
  });
});

it('a command that does not exist is found', async () => {
  expect(await faultOf('sluice ca explode demo')).toBeDefined();
  expect(await faultOf('sluice explode')).toBeDefined();
  expect(await faultOf('sluice ca show demo --loudly')).toBe('has no --loudly');
  expect(await faultOf('sluice ca show demo --json')).toBeUndefined();
});
