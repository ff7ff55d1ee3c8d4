import { changeViewSchema, forgetSubscriberAnswerSchema, subscriberListSchema } from '@sluice/registry-protocol';
import { type Command, InvalidArgumentError } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { exitCodes } from '../exit-codes.js';
import { subscribersScreen } from '../screens/subscribers-screen.js';
import { confirm } from './confirm.js';
import { proposalScreen, proposedText } from './propose.js';
import { watchScreen } from './watch-screen.js';

function epochText(text: string): string {
  if (/^\d{1,18}$/.test(text)) return text;
  throw new InvalidArgumentError('Give a number.');
}

function addForget(group: Command, context: CommandContext): void {
  group
    .command('forget')
    .description('strike a process that was taken away for good off the list; it must be fenced')
    .argument('<name>')
    .requiredOption('--reason <text>', 'for the audit trail')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'check everything, change nothing')
    .addHelpText(
      'after',
      `
While a CA is retiring this takes two operators, each giving the command.

Examples:
  $ sluice subscribers forget signer-3 --reason "machine scrapped" --dry-run
  $ sluice subscribers forget signer-3 --reason "machine scrapped" --yes`,
    )
    .action(async (name: string, options: { reason: string; yes?: boolean; dryRun?: boolean }, command: Command) => {
      const api = context.api(command);
      const path = `/admin/v1/subscribers/${encodeURIComponent(name)}/forget`;
      const call = (dryRun: boolean) =>
        api.post(path, { reason: options.reason, dry_run: dryRun }, forgetSubscriberAnswerSchema);
      if (options.dryRun !== true && options.yes !== true) {
        const { done, proposal } = await call(true);
        const asProposed = done && proposal !== null ? ` It is done at once, ${proposedText(proposal)}.` : '';
        const warning = `${name} is not shown any more and no longer counts. It may enrol anew at any time.${asProposed}`;
        await confirm(context, { name, act: `forget ${name}`, warning });
      }
      const answer = await call(options.dryRun === true);
      const { proposal, done, dry_run } = answer;
      show(context, command, answer, () => {
        if (!done && proposal !== null) {
          return dry_run
            ? `Would propose to forget ${name}: it takes two operators. Nothing was changed.`
            : proposalScreen(proposal);
        }
        const asProposed = proposal === null ? '' : `, ${proposedText(proposal)}`;
        return dry_run
          ? `Would forget ${name}${asProposed}. Nothing was changed.`
          : `${name} is forgotten${asProposed}.`;
      });
      if (!done && !dry_run) context.endWith(exitCodes.proposed);
    });
}

export function addSubscribers(program: Command, context: CommandContext): void {
  const { terminal, colors } = context;
  const group = program
    .command('subscribers')
    .description('processes that act on what the registry pushes, and which version they have proved to act on')
    .option('--epoch <number>', 'their standing for the change of this epoch instead of the newest', epochText)
    .option('-w, --watch', 'show it again every 2 s until Ctrl-C')
    .addHelpText(
      'after',
      `
Standings: applied (proved to act on it), pending, silent (not heard for 12 s), refused, fenced (its lease ran out: it
can neither accept nor claim).

Examples:
  $ sluice subscribers
  $ sluice subscribers --epoch 12 --watch
  $ sluice subscribers --json | jq -r '.subscribers[] | select(.standing != "applied") | .name'`,
    )
    .action(async (options: { epoch?: string; watch?: boolean }, command: Command) => {
      const api = context.api(command);
      const watch = options.watch === true;
      await watchScreen(context, watch, async () => {
        const answer =
          options.epoch === undefined
            ? await api.get('/admin/v1/subscribers', subscriberListSchema)
            : await api.get(`/admin/v1/changes/${options.epoch}`, changeViewSchema);
        if (watch) terminal.clear();
        show(context, command, answer, () => subscribersScreen(answer, colors));
      });
    });
  addForget(group, context);
}
