import { writeFileSync } from 'node:fs';
import { describeMachine } from '../bench/machine.js';
import { tableText } from '../bench/table-text.js';
import { readArguments, usage } from './arguments.js';
import { play } from './play.js';
import { replayPage } from './replay-page.js';
import { guardsText, percent, type RunReport, recoveredText, replayTable, reportOf } from './report.js';
import { sizeForPeople } from './size.js';
import { forPeople } from './timetable.js';

const tell = (text: string): void => console.log(text);

async function main(signal: AbortSignal): Promise<void> {
  const args = readArguments(process.argv.slice(2));
  if (args === undefined) return tell(usage);
  const at = new Date().toISOString();
  const reports: RunReport[] = [];
  for (const run of args.runs) {
    const options = { timetable: forPeople, size: sizeForPeople, postgres: 'own', signal } as const;
    const report = reportOf(await play(run, options));
    reports.push(report);
    const served = `${percent(report.figures.served.during)} % served while the cause lasted`;
    tell(
      `${reports.length} of ${args.runs.length}, ${guardsText(report.has)}: ${served}; ${recoveredText(report.figures)}`,
    );
    for (const fault of report.faults) tell(`  ${fault}`);
    // Whole after each run: one that is stopped leaves what it has.
    writeFileSync(args.html, replayPage(reports, sizeForPeople, { machine: describeMachine(), at }));
    if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(reports, null, 2)}\n`);
  }
  tell(tableText(replayTable(reports)));
  tell(`\n${args.html}`);
}

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
await main(stopped.signal).catch((thrown: unknown) => {
  if (!stopped.signal.aborted) throw thrown;
  process.exitCode = 1;
  tell('stopped');
});
