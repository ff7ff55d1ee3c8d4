import { parseArgs } from 'node:util';
import { type Run, runs, runsOf } from './runs.js';

export const usage = `npm run replay -- [options]

27 and 28 October 2020 once more, on real processes: keys of six CAs are destroyed, their profiles disabled, OCSP
responders ask for them all the same, and identity clients with a limit of 6 s retry. Played with every guard, with none,
with each missing and with each alone. Every run takes about a minute and a quarter, all of them 22 minutes.

  --runs NAMES   some of them: ${wrapped(runs.map(({ name }) => name))}
  --html FILE    the page with a panel for each run (replay.html)
  --json FILE    everything measured
  --help

Examples:
  npm run replay
  npm run replay -- --runs all,none
  npm run replay -- --runs without-admission,only-admission --html admission.html --json admission.json`;

function wrapped(names: readonly string[]): string {
  const lines: string[] = [];
  for (const name of names) {
    const line = lines.at(-1);
    if (line === undefined || line.length + name.length > 80) lines.push(name);
    else lines[lines.length - 1] = `${line}, ${name}`;
  }
  return lines.join(`,\n${' '.repeat(17)}`);
}

export interface Arguments {
  readonly runs: readonly Run[];
  readonly html: string;
  readonly json: string | undefined;
}

/** undefined: help was asked for. Throws for a run that there is not, or none. */
export function readArguments(args: readonly string[]): Arguments | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string' },
      html: { type: 'string', default: 'replay.html' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  const chosen = values.runs === undefined ? runs : runsOf(values.runs.split(',').map((name) => name.trim()));
  return { runs: chosen, html: values.html, json: values.json };
}
