import { SluiceError } from '@sluice/errors';
import { caViewSchema, disableCaAnswerSchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { caScreen } from './ca-show.js';

interface DisableOptions {
  readonly reason: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** The person types the name: a habit of pressing y must not disable a CA. */
async function confirm({ terminal, colors }: CommandContext, name: string, screen: string): Promise<void> {
  if (!terminal.interactive) {
    throw new SluiceError('config-invalid', `Disabling ${name} needs a person to confirm it`, {
      facts: { what_to_do: 'Run it at a terminal, or give --yes.' },
    });
  }
  terminal.err(`${screen}\n`);
  terminal.err(
    colors.yellow(
      `Subscriber certificates of ${name} end at once; OCSP signers and CRLs go on. Enabling it again takes two persons.`,
    ),
  );
  const typed = await terminal.ask(`Type the name of the CA to disable it: `);
  if (typed.trim() !== name) {
    throw new SluiceError('cancelled', 'That is another name; nothing was changed', {
      facts: { what_to_do: `To disable it, type ${name} when asked.` },
    });
  }
}

export function addCaDisable(group: Command, context: CommandContext): void {
  group
    .command('disable')
    .description('stop a CA from signing for subscribers, at once')
    .argument('<name>')
    .requiredOption('--reason <text>', 'for the audit trail')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'check everything, change nothing')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice ca disable demo-tls --reason "drill" --dry-run
  $ sluice ca disable demo-tls --reason "key ceremony of 28 November"`,
    )
    .action(async (name: string, options: DisableOptions, command: Command) => {
      const api = context.api(command);
      const path = `/admin/v1/cas/${encodeURIComponent(name)}`;
      const disable = (dryRun: boolean) =>
        api.post(`${path}/disable`, { reason: options.reason, dry_run: dryRun }, disableCaAnswerSchema);
      if (options.dryRun !== true && options.yes !== true) {
        // What would be refused anyway is refused before the person is asked.
        await disable(true);
        await confirm(context, name, caScreen({ ...(await api.get(path, caViewSchema)), certificate_pem: null }));
      }
      const answer = await disable(options.dryRun === true);
      show(context, command, answer, () =>
        answer.dry_run
          ? `Would disable ${name}. Nothing was changed.`
          : `CA ${name} is disabled since epoch ${answer.epoch}. See who has applied it: sluice status.`,
      );
    });
}
