import { admitRestoreAnswerSchema } from '@sluice/registry-protocol';
import { type Command, InvalidArgumentError } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { exitCodes } from '../exit-codes.js';
import { confirm } from './confirm.js';
import { addWaitOptions, followChange, type WaitOptions } from './follow-change.js';
import { proposalScreen, proposedText } from './propose.js';

interface RestoredOptions extends WaitOptions {
  readonly past: string;
  readonly reason: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

function epochText(text: string): string {
  if (/^(0|[1-9]\d{0,17})$/.test(text)) return text;
  throw new InvalidArgumentError('Give an epoch.');
}

async function restored(context: CommandContext, options: RestoredOptions, command: Command): Promise<void> {
  const { past, reason } = options;
  const api = context.api(command);
  const call = (dryRun: boolean) =>
    api.post('/admin/v1/registry/restored', { past, reason, dry_run: dryRun }, admitRestoreAnswerSchema);
  if (options.dryRun !== true && options.yes !== true) {
    const { epoch, heard_epoch, done, proposal } = await call(true);
    const asProposed = done && proposal !== null ? ` It is done at once, ${proposedText(proposal)}.` : '';
    await confirm(context, {
      name: past,
      act: `let the registry go on past epoch ${past}`,
      warning: `The registry is at epoch ${epoch}; subscribers told it of ${heard_epoch}. What was applied since and is not in it is lost: a CA that was disabled then and not again since signs as soon as signers run.${asProposed}`,
    });
  }
  const beganAtMs = context.terminal.now().getTime();
  const answer = await call(options.dryRun === true);
  const answeredAfterMs = context.terminal.now().getTime() - beganAtMs;
  const { proposal, done, dry_run } = answer;
  if (!done && proposal !== null) {
    show(context, command, answer, () =>
      dry_run
        ? `Would propose to go on past epoch ${past}: it takes two operators. Nothing was changed.`
        : proposalScreen(proposal),
    );
    if (!dry_run) context.endWith(exitCodes.proposed);
    return;
  }
  const asProposed = proposal === null ? '' : `, ${proposedText(proposal)}`;
  const screen = (): string =>
    dry_run
      ? `Would go on past epoch ${past}${asProposed}. Nothing was changed.`
      : `The registry goes on at epoch ${answer.epoch}${asProposed}. Whoever still refuses it has applied a later one: see sluice subscribers, and give this again with that epoch.`;
  await followChange(context, command, options, { answer, beganAtMs, answeredAfterMs, stops: false, screen });
}

export function addRegistry(program: Command, context: CommandContext): void {
  const group = program.command('registry').description('the registry’s own state');
  const command = group
    .command('restored')
    .description('after its database was put back to an older state: let it count for subscribers that are ahead of it')
    .requiredOption('--past <epoch>', 'the highest epoch that any process has applied', epochText)
    .requiredOption('--reason <text>', 'for the audit trail')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'check everything, change nothing');
  addWaitOptions(command)
    .addHelpText(
      'after',
      `
Do as runbooks/registry-rolled-back.md says first: what was applied and is not in the database is lost by this. It takes
two operators, each giving the command with the same epoch. Whoever has applied a later one goes on refusing.

Examples:
  $ sluice registry restored --past 4711 --reason "primary lost, backup of 02:00" --dry-run
  $ sluice registry restored --past 4711 --reason "primary lost, backup of 02:00" --wait`,
    )
    .action((options: RestoredOptions, called: Command) => restored(context, options, called));
}
