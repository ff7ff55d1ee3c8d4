import { liftQuarantineAnswerSchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { addWaitOptions, followChange, type WaitOptions } from './follow-change.js';

interface LiftOptions extends WaitOptions {
  readonly token?: string;
  readonly reason: string;
  readonly dryRun?: boolean;
}

export function addCaLiftQuarantine(group: Command, context: CommandContext): void {
  const command = group
    .command('lift-quarantine')
    .description("let a CA's held work be signed again, after its key was seen to be back")
    .argument('<name>')
    .requiredOption('--reason <text>', 'for the audit trail')
    .option('--token <name>', 'on this token only; otherwise of the CA and on all its tokens')
    .option('--dry-run', 'check everything, change nothing');
  addWaitOptions(command)
    .addHelpText(
      'after',
      `
A signer that does not find the key after all quarantines it again: nothing is lost by that, and nothing is signed.

Examples:
  $ sluice ca lift-quarantine demo-tls --reason "key restored from backup" --wait
  $ sluice ca lift-quarantine demo-tls --token hsm-a --reason "slot re-imported" --dry-run`,
    )
    .action(async (name: string, options: LiftOptions, called: Command) => {
      const { reason, token, dryRun } = options;
      const body = { reason, dry_run: dryRun === true, ...(token === undefined ? {} : { token }) };
      const beganAtMs = context.terminal.now().getTime();
      const path = `/admin/v1/cas/${encodeURIComponent(name)}/lift-quarantine`;
      const answer = await context.api(called).post(path, body, liftQuarantineAnswerSchema);
      const answeredAfterMs = context.terminal.now().getTime() - beganAtMs;
      const where = token === undefined ? '' : ` on token ${token}`;
      const left = answer.quarantined_tokens.length > 0 ? `; still on ${answer.quarantined_tokens.join(', ')}` : '';
      const parked =
        answer.parked === 0
          ? ''
          : `\n${answer.parked} of its requests ran out of time while it was held and stay parked; this does not sign them. To bring them back: sluice queue resubmit --ca ${name} --state parked --rate 50/s --reason …`;
      const screen = (): string =>
        answer.dry_run
          ? `Would lift the quarantine of ${name}${where}. Nothing was changed.${parked}`
          : `The quarantine of ${name}${where} is lifted since epoch ${answer.epoch}${left}.${parked}`;
      await followChange(context, called, options, { answer, beganAtMs, answeredAfterMs, stops: false, screen });
    });
}
