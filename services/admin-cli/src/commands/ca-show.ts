import { type CaDetail, caDetailSchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { quarantineText } from '../screens/quarantine-text.js';
import { card } from '../screens/table.js';
import { timeText } from '../screens/time.js';

/** `3 queued (2 of them held) · 1 signing · 12 parked`, or that there is nothing. */
function waitingText({ queued, signing, held, parked, failed }: CaDetail['work']): string {
  const parts: readonly (readonly [number, string])[] = [
    [queued, held > 0 ? `queued (${held} of them held)` : 'queued'],
    [signing, 'signing'],
    [parked, 'parked'],
    [failed, 'failed'],
  ];
  const said = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return said.length === 0 ? 'nothing' : said.join(' · ');
}

/** A CA, as a person reads it. */
export function caScreen(ca: CaDetail): string {
  const facts = card([
    ['name', ca.name],
    ['state', ca.state + quarantineText(ca)],
    ['subject', JSON.stringify(ca.subject_dn)],
    ['issuer', ca.issuer === ca.name ? '(itself)' : ca.issuer],
    ['certificate profile', ca.certificate_profile],
    ['key', `${ca.key_algorithm} in key group ${ca.key_group}`],
    ['key SHA-256', ca.spki_sha256 ?? 'not made yet'],
    ['serial', ca.serial ?? 'not certified yet'],
    ['valid', ca.serial === null ? '–' : `${timeText(ca.not_before)} to ${timeText(ca.not_after)}`],
    ['waiting', waitingText(ca.work)],
    ['changed at epoch', ca.epoch],
    ['created', timeText(ca.created_at)],
  ]);
  return ca.certificate_pem === null ? facts : `${facts}\n\n${ca.certificate_pem.trimEnd()}`;
}

export function addCaShow(group: Command, context: CommandContext): void {
  group
    .command('show')
    .description('show one CA and its certificate')
    .argument('<name>')
    .option('--pem', 'only the certificate')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sluice ca show demo-root\n  $ sluice ca show demo-root --pem > demo-root.pem',
    )
    .action(async (name: string, options: { pem?: boolean }, command: Command) => {
      const ca = await context.api(command).get(`/admin/v1/cas/${encodeURIComponent(name)}`, caDetailSchema);
      if (options.pem === true && ca.certificate_pem !== null) {
        context.terminal.out(ca.certificate_pem.trimEnd());
        return;
      }
      show(context, command, ca, () => caScreen(ca));
    });
}
