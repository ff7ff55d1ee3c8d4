import { enrolOperator } from '@sluice/ledger';
import type { System } from '@sluice/testkit';
import { commandsOf, wordsOf } from '../integration/runbook-page.js';
import { createOperator, type Said } from '../integration/sluice-command.js';

/** A command as it was given, and what came of it. */
export interface Act {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly command: string;
  readonly exitCode: number;
}

/** Somebody who does what runbooks/queue-flood.md says, at the command line as it ships. */
export interface FloodOperator {
  readonly acts: readonly Act[];
  /** Steps 1 to 3 with the third; does nothing more where nothing floods. */
  parkThird(): Promise<void>;
  parkAll(): Promise<void>;
}

/** What the page calls by the name of its example is this account here. */
const exampleAccount = 'second-account';

export async function enlistOperator(system: System, floodingAccount: string): Promise<FloodOperator> {
  const alice = createOperator('alice', system.dir, () => system.registry.url);
  await enrolOperator(system.adminUrl, { ...alice, role: 'operator' });
  const lines = commandsOf('queue-flood.md');
  const [dryRun = '', third = '', whole = ''] = lines.filter((line) => line.includes('queue park'));
  const looks = lines.slice(0, lines.indexOf(dryRun));
  const acts: Act[] = [];

  async function does(line: string): Promise<Said> {
    const words = wordsOf(line, { [exampleAccount]: floodingAccount });
    const at = Date.now();
    const said = await alice.sluice(...words);
    acts.push({ at, command: `sluice ${words.join(' ')}`, exitCode: said.exitCode });
    return said;
  }
  /** Nothing matches: the page's act has no object. */
  const floods = async (): Promise<boolean> => (await does(dryRun)).exitCode === 0;
  return {
    acts,
    async parkThird() {
      for (const look of looks) await does(look);
      if (await floods()) await does(third);
    },
    async parkAll() {
      if (await floods()) await does(whole);
    },
  };
}
