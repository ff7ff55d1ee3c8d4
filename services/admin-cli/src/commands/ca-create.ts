import { SluiceError } from '@sluice/errors';
import { caKeyAlgorithms, caViewSchema, createCaAnswerSchema } from '@sluice/registry-protocol';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type CommandContext, globalOptions, show } from '../command-context.js';
import type { RegistryApi } from '../registry-api.js';
import { warningLines } from '../screens/warning-lines.js';
import { aboutFile } from './about-file.js';
import { readNamedFile } from './read-file.js';

interface CreateOptions {
  readonly subject: Readonly<Record<string, string | string[]>>;
  readonly keyAlgorithm: string;
  readonly keyGroup: string;
  readonly issuer?: string;
  readonly profile?: string;
  readonly selfProfile?: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
}

const lookIntervalMs = 500;
const waitMaxMs = 120_000;

/** `--subject common_name="Demo Root"`, in the words of the API; only organizational_unit may come again. */
function addSubjectField(
  text: string,
  before: Readonly<Record<string, string | string[]>> | undefined,
): Record<string, string | string[]> {
  const [, field, value] = /^([a-z_]+)=(.*)$/s.exec(text) ?? [];
  if (field === undefined || value === undefined) throw new InvalidArgumentError('Give field=value.');
  if (field === 'organizational_unit') return { ...before, [field]: [...(before?.[field] ?? []), value] };
  if (before?.[field] !== undefined) throw new InvalidArgumentError(`${field} is given twice.`);
  return { ...before, [field]: value };
}

/** Tells each step until the CA is active. Its key and certificate are made by a signer, however long one looks. */
async function waitUntilActive(context: CommandContext, api: RegistryApi, name: string): Promise<void> {
  const { terminal } = context;
  const endMs = terminal.now().getTime() + waitMaxMs;
  let told = '';
  for (;;) {
    const ca = await api.get(`/admin/v1/cas/${encodeURIComponent(name)}`, caViewSchema);
    const step =
      ca.state !== 'pending'
        ? ca.state
        : ca.spki_sha256 === null
          ? 'pending: a signer makes its key'
          : `pending: its key is made, ${ca.issuer} certifies it`;
    if (step !== told) terminal.err(`${name} ${step}`);
    told = step;
    if (ca.state !== 'pending') return;
    if (terminal.interrupted() || terminal.now().getTime() >= endMs) {
      throw new SluiceError('ca-pending', `${name} is still being made`, {
        facts: {
          what_to_do: `It goes on without you. See sluice ca show ${name}; sluice status says what is missing.`,
        },
      });
    }
    await terminal.pause(lookIntervalMs);
  }
}

export function addCaCreate(group: Command, context: CommandContext): void {
  group
    .command('create')
    .description('make a CA: its key and certificate are made by a signer, nobody else opens a key')
    .argument('<name>', '1 to 63 of a-z, 0-9 and hyphens')
    .requiredOption(
      '--subject <field=value>',
      'a field of its subject, repeatable: common_name, organization, country, …',
      addSubjectField,
    )
    .addOption(new Option('--key-algorithm <name>', 'of its key').choices(caKeyAlgorithms).default('ec-p256'))
    .option('--key-group <name>', 'where its key lives', 'default')
    .option('--issuer <ca>', 'the CA that certifies it; needs --profile')
    .option('--profile <name>', "the issuer's profile for CA certificates")
    .option('--self-profile <file>', 'makes a root: the profile (YAML) by which it signs itself; - is standard input')
    .option('--wait', 'show progress until it is active')
    .option('--dry-run', 'check everything, change nothing')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice ca create demo-root --self-profile infra/demo/root.yaml --wait \\
      --subject common_name="Demo Root" --subject organization=Demo --subject country=DE
  $ sluice ca create demo-tls --issuer demo-root --profile demo-issuing-ca \\
      --subject common_name="Demo TLS CA" --subject organization=Demo --subject country=DE --wait`,
    )
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const isRoot = options.selfProfile !== undefined;
      if (isRoot === (options.issuer !== undefined) || isRoot === (options.profile !== undefined)) {
        command.error('error: give --self-profile for a root, or --issuer and --profile for any other CA');
      }
      const certified =
        options.selfProfile === undefined
          ? { issuer: options.issuer, profile: options.profile }
          : { issuer: null, self_profile: await readNamedFile(options.selfProfile, context.terminal) };
      const api = context.api(command);
      const { subject, keyAlgorithm, keyGroup, dryRun } = options;
      const described = { name, key_group: keyGroup, key_algorithm: keyAlgorithm, subject_dn: subject };
      const body = { ...described, ...certified, dry_run: dryRun === true };
      const file = options.selfProfile ?? '';
      const answer = await aboutFile(file, () => api.post('/admin/v1/cas', body, createCaAnswerSchema));
      if (globalOptions(command).json !== true) {
        for (const line of warningLines(file, answer.warnings)) context.terminal.err(line);
      }
      if (options.wait === true && !answer.dry_run) await waitUntilActive(context, api, name);
      if (options.wait === true && !answer.dry_run && globalOptions(command).json !== true) {
        context.terminal.out(`CA ${name} is made (sluice ca show ${name}).`);
        return;
      }
      show(context, command, answer, () =>
        answer.dry_run
          ? `Would make CA ${name} (${answer.key_algorithm}), certified by ${answer.issuer}. Nothing was changed.`
          : `CA ${name} is registered and being made (epoch ${answer.epoch}). See sluice ca show ${name}.`,
      );
    });
}
