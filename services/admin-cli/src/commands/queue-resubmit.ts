import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { addActOptions, bulkAct } from './queue-hold.js';
import { addFilterOptions, type FilterOptions, filterBody, ratePerS } from './queue-options.js';

interface ResubmitOptions extends FilterOptions {
  readonly reason: string;
  readonly rate: number;
  readonly state: readonly string[];
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly follow?: boolean;
}

export function addResubmit(group: Command, context: CommandContext): void {
  const command = addFilterOptions(
    group
      .command('resubmit')
      .description('bring requests back from the shelf, each checked again, at a pace')
      .argument('[receipt]', 'of a park: what it set aside; its hold ends with it'),
  )
    .option('--state <states...>', 'parked, failed', ['parked', 'failed'])
    .requiredOption('--rate <n/s>', 'so many a second at most: 200/s', ratePerS);
  addActOptions(command)
    .addHelpText(
      'after',
      `
What its CA, profile or account does not permit any more, and what a newer certificate supersedes, stays on the shelf and
is listed with the reason. The rest goes into class background. It waits by itself while interactive work has to wait.

Examples:
  $ sluice queue resubmit 0b0f9a1e-5c1a-4a58-9c7f-6f3a1c2d4e5f --rate 100/s --reason "case 4711 is over" --dry-run
  $ sluice queue resubmit 0b0f9a1e-5c1a-4a58-9c7f-6f3a1c2d4e5f --rate 100/s --reason "case 4711 is over" --yes --follow
  $ sluice queue resubmit --state failed --ca demo-tls --rate 20/s --reason "token replaced"`,
    )
    .action((receipt: string | undefined, options: ResubmitOptions, called: Command) =>
      bulkAct(context, called, options, {
        path: '/admin/v1/queue/resubmit',
        body: {
          receipt,
          filter: filterBody(options),
          states: options.state,
          rate_per_s: options.rate,
          all: options.all === true,
          reason: options.reason,
        },
        verb: 'resubmit',
        warning: () => `They are signed in class background, at most ${options.rate} a second.`,
      }),
    );
}
