import { caListSchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { quarantineText } from '../screens/quarantine-text.js';
import { table } from '../screens/table.js';
import { timeText } from '../screens/time.js';

export function addCaList(group: Command, context: CommandContext): void {
  group
    .command('ls')
    .description('list all CAs')
    .addHelpText('after', "\nExamples:\n  $ sluice ca ls\n  $ sluice ca ls --json | jq -r '.cas[].name'")
    .action(async (_options: object, command: Command) => {
      const answer = await context.api(command).get('/admin/v1/cas', caListSchema);
      show(context, command, answer, () =>
        answer.cas.length === 0
          ? 'There is no CA yet: sluice ca create --help'
          : table(
              ['NAME', 'STATE', 'KEY', 'KEY GROUP', 'ISSUER', 'PROFILE', 'EXPIRES'],
              answer.cas.map((ca) => [
                ca.name,
                ca.state + quarantineText(ca),
                ca.key_algorithm,
                ca.key_group,
                ca.issuer === ca.name ? '(itself)' : ca.issuer,
                ca.certificate_profile,
                timeText(ca.not_after),
              ]),
            ),
      );
    });
}
