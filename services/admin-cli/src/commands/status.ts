import { statusSchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { statusScreen } from '../screens/status-screen.js';
import { watchScreen } from './watch-screen.js';

export function addStatus(program: Command, context: CommandContext): void {
  const { terminal, colors } = context;
  program
    .command('status')
    .description('show CAs, lanes, subscribers, ends of the last hour, and what to do next')
    .option('-w, --watch', 'show it again every 2 s until Ctrl-C')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sluice status\n  $ sluice status --watch\n  $ sluice status --json | jq .epoch',
    )
    .action(async (options: { watch?: boolean }, command: Command) => {
      const api = context.api(command);
      const watch = options.watch === true;
      await watchScreen(context, watch, async () => {
        const status = await api.get('/admin/v1/status', statusSchema);
        if (watch) terminal.clear();
        show(context, command, status, () => statusScreen(status, colors));
      });
    });
}
