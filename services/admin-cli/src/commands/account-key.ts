import { createHash } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { addApiKeyAnswerSchema, revokeApiKeyAnswerSchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { confirm } from './confirm.js';
import { addWaitOptions, followChange, type WaitOptions } from './follow-change.js';
import { readNamedFile } from './read-file.js';

function addAdd(group: Command, context: CommandContext): void {
  const { terminal, colors } = context;
  const command = group
    .command('add')
    .description('make a further API key for an account, which is shown this once')
    .argument('<account>')
    .option('--dry-run', 'check everything, change nothing');
  addWaitOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  $ sluice account key add acme --wait
  $ sluice account key add acme --json | jq -r .api_key > acme.key`,
    )
    .action(async (name: string, options: WaitOptions & { dryRun?: boolean }, called: Command) => {
      const beganAtMs = terminal.now().getTime();
      const path = `/admin/v1/accounts/${encodeURIComponent(name)}/keys`;
      const body = { dry_run: options.dryRun === true };
      const answer = await context.api(called).post(path, body, addApiKeyAnswerSchema);
      const answeredAfterMs = terminal.now().getTime() - beganAtMs;
      // Shown before anything is waited for: it is shown only once.
      const screen = (): string =>
        answer.api_key === null
          ? `Would make a key for account ${name}. Nothing was changed.`
          : `Account ${name} has a further key since epoch ${answer.epoch}.\n\n  API key  ${colors.bold(answer.api_key)}\n  SHA-256  ` +
            `${answer.api_key_hash}\n\nKeep it now: only its hash is stored, and nobody can show it again.`;
      await followChange(context, called, options, { answer, beganAtMs, answeredAfterMs, stops: false, screen });
    });
}

interface RevokeOptions extends WaitOptions {
  readonly sha256?: string;
  readonly keyFile?: string;
  readonly reason: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** The hash of the key that the options name, in the one of two ways that was given. Throws `config-invalid`. */
async function hashOfKey({ sha256, keyFile }: RevokeOptions, { terminal }: CommandContext): Promise<string> {
  const named = (message: string): SluiceError =>
    new SluiceError('config-invalid', message, { facts: { what_to_do: 'See sluice account key revoke --help.' } });
  if ((sha256 === undefined) === (keyFile === undefined)) throw named('Name the key: --sha256 or --key-file');
  if (keyFile !== undefined) {
    const key = (await readNamedFile(keyFile, terminal)).trim();
    return createHash('sha256').update(key).digest('hex');
  }
  const hash = (sha256 ?? '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hash)) throw named('--sha256 must be 64 hexadecimal digits');
  return hash;
}

function addRevoke(group: Command, context: CommandContext): void {
  const { terminal } = context;
  const command = group
    .command('revoke')
    .description('let an API key work no more, once the push has reached every front end')
    .argument('<account>')
    .option('--sha256 <hex>', 'of the key, as sluice account show has it')
    .option('--key-file <file>', 'the key itself; - is standard input')
    .requiredOption('--reason <text>', 'for the audit trail')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'check everything, change nothing');
  addWaitOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  $ sluice account key revoke acme --sha256 5c1f…a0 --reason "rotation" --wait
  $ sluice account key revoke acme --key-file leaked.txt --reason "found in a public repository" --yes --wait`,
    )
    .action(async (name: string, options: RevokeOptions, called: Command) => {
      const api_key_hash = await hashOfKey(options, context);
      const api = context.api(called);
      const path = `/admin/v1/accounts/${encodeURIComponent(name)}/keys/revoke`;
      const call = (dryRun: boolean) =>
        api.post(path, { api_key_hash, reason: options.reason, dry_run: dryRun }, revokeApiKeyAnswerSchema);
      if (options.dryRun !== true && options.yes !== true) {
        const { api_keys_left } = await call(true);
        const left = api_keys_left === 0 ? 'It is its only key.' : `${api_keys_left} of its keys stay.`;
        await confirm(context, {
          name,
          act: `revoke a key of account ${name}`,
          warning: `Whoever uses this key is refused from now on, for good. ${left}`,
        });
      }
      const beganAtMs = terminal.now().getTime();
      const answer = await call(options.dryRun === true);
      const answeredAfterMs = terminal.now().getTime() - beganAtMs;
      const screen = (): string =>
        answer.dry_run
          ? `Would revoke that key of account ${name}. Nothing was changed.`
          : `That key of account ${name} is revoked since epoch ${answer.epoch}; ${answer.api_keys_left} in force.`;
      await followChange(context, called, options, { answer, beganAtMs, answeredAfterMs, stops: false, screen });
    });
}

export function addAccountKey(program: Command, context: CommandContext): void {
  const group = program.command('key').description('API keys of an account');
  addAdd(group, context);
  addRevoke(group, context);
}
