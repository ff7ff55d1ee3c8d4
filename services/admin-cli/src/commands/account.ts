import { accountListSchema, accountViewSchema, createAccountAnswerSchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { card, table } from '../screens/table.js';
import { timeText } from '../screens/time.js';
import { addAccountKey } from './account-key.js';
import { addAccountLimits, addLimitOptions, type LimitOptions, limitLines, limitsOf } from './account-limits.js';
import { addAccountStates } from './account-states.js';

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function addCreate(group: Command, context: CommandContext): void {
  const { colors } = context;
  const command = group
    .command('create')
    .description('make an account and its API key, which is shown this once')
    .argument('<name>', '1 to 63 of a-z, 0-9 and hyphens')
    .requiredOption('--profile <name>', 'a profile it may use, repeatable', collect)
    .option('--dry-run', 'check everything, change nothing');
  addLimitOptions(command, { orDefault: false })
    .addHelpText(
      'after',
      `
Examples:
  $ sluice account create acme --profile tls-client --profile document-signing
  $ sluice account create acme --profile tls-client --rate 50 --burst 500 --per-day 100000
  $ sluice account create acme --profile tls-client --json | jq -r .api_key > acme.key`,
    )
    .action(async (name: string, options: LimitOptions & { profile: string[]; dryRun?: boolean }, command: Command) => {
      const limits = limitsOf(options);
      const named = Object.keys(limits).length > 0 ? { limits } : {};
      const body = { name, profiles: options.profile, ...named, dry_run: options.dryRun === true };
      const answer = await context.api(command).post('/admin/v1/accounts', body, createAccountAnswerSchema);
      show(context, command, answer, () =>
        answer.api_key === null
          ? `Would make account ${name} for ${answer.profiles.join(', ')}. Nothing was changed.`
          : `Account ${name} may use ${answer.profiles.join(', ')}.\n\n  API key  ${colors.bold(answer.api_key)}\n\n` +
            'Keep it now: only its hash is stored, and nobody can show it again.',
      );
    });
}

function addList(group: Command, context: CommandContext): void {
  group
    .command('ls')
    .description('list all accounts')
    .addHelpText('after', '\nExamples:\n  $ sluice account ls\n  $ sluice account ls --json')
    .action(async (_options: object, command: Command) => {
      const answer = await context.api(command).get('/admin/v1/accounts', accountListSchema);
      show(context, command, answer, () =>
        answer.accounts.length === 0
          ? 'There is no account yet: sluice account create --help'
          : table(
              ['NAME', 'STATE', 'KEYS', 'PROFILES'],
              answer.accounts.map(({ name, state, api_key_hashes, profiles }) => [
                name,
                state,
                String(api_key_hashes.length),
                profiles.join(', '),
              ]),
            ),
      );
    });
}

function addShow(group: Command, context: CommandContext): void {
  group
    .command('show')
    .description('show one account; of its keys only hashes are known')
    .argument('<name>')
    .addHelpText('after', '\nExamples:\n  $ sluice account show demo')
    .action(async (name: string, _options: object, command: Command) => {
      const path = `/admin/v1/accounts/${encodeURIComponent(name)}`;
      const account = await context.api(command).get(path, accountViewSchema);
      show(context, command, account, () =>
        card([
          ['name', account.name],
          ['state', account.state],
          ['profiles', account.profiles.join(', ')],
          ...account.api_key_hashes.map((hash) => ['key SHA-256', hash] as const),
          ...limitLines(account.limits),
          ['changed at epoch', account.epoch],
          ['created', timeText(account.created_at)],
        ]),
      );
    });
}

export function addAccount(program: Command, context: CommandContext): void {
  const group = program.command('account').description('who may ask for certificates');
  addCreate(group, context);
  addList(group, context);
  addShow(group, context);
  addAccountStates(group, context);
  addAccountLimits(group, context);
  addAccountKey(group, context);
}
