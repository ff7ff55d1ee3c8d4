import { whySchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { whyScreen } from '../screens/why-screen.js';

export function addWhy(program: Command, context: CommandContext): void {
  program
    .command('why')
    .description("show a request's whole life: times, states, serials, attempts, signers, events")
    .argument('<request-id>', 'from the answer to POST /identity, its Location, or a log')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice why 0199a4c2-7d1e-7c3a-9b1f-2f6f3f1f9a10
  $ sluice why 0199a4c2-7d1e-7c3a-9b1f-2f6f3f1f9a10 --json | jq -r .certificate_pem`,
    )
    .action(async (requestId: string, _options: object, command: Command) => {
      const path = `/admin/v1/requests/${encodeURIComponent(requestId)}`;
      const why = await context.api(command).get(path, whySchema);
      show(context, command, why, () => whyScreen(why, context.colors));
    });
}
