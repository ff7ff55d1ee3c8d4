import { asSluiceError } from '@sluice/errors';
import { statusSchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { errorScreen } from '../screens/error-screen.js';
import { statusScreen } from '../screens/status-screen.js';

const watchIntervalMs = 2000;

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
      const look = async (): Promise<void> => {
        const status = await api.get('/admin/v1/status', statusSchema);
        if (options.watch === true) terminal.clear();
        show(context, command, status, () => statusScreen(status, colors));
      };
      await look();
      while (options.watch === true && !terminal.interrupted()) {
        await terminal.pause(watchIntervalMs);
        if (terminal.interrupted()) return;
        // Whoever watches wants to see it come back, too.
        await look().catch((error: unknown) => terminal.err(errorScreen(asSluiceError(error), colors)));
      }
    });
}
