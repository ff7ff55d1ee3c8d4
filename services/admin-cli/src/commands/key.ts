import { SluiceError } from '@sluice/errors';
import { parseCsr, publicKeyHash, readCertificate } from '@sluice/pki';
import { blockedKeyListSchema, blockKeyAnswerSchema } from '@sluice/registry-protocol';
import { type Command, Option } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { table } from '../screens/table.js';
import { timeText } from '../screens/time.js';
import { certificateIn } from './certificate-in.js';
import { readNamedBytes } from './read-file.js';

interface BlockOptions {
  readonly spkiSha256?: string;
  readonly certificate?: string;
  readonly csr?: string;
  readonly reason: string;
  readonly dryRun?: boolean;
}

/** The key that the options name, in the one of three ways that was given. Throws `config-invalid`. */
async function hashOfKey(options: BlockOptions, context: CommandContext): Promise<string> {
  const { spkiSha256, certificate, csr } = options;
  if ([spkiSha256, certificate, csr].filter((given) => given !== undefined).length !== 1) {
    throw new SluiceError('config-invalid', 'Name the key in one way: --spki-sha256, --certificate or --csr', {
      facts: { what_to_do: 'See sluice key block --help.' },
    });
  }
  if (spkiSha256 !== undefined) return hexOf(spkiSha256);
  const file = certificate ?? csr ?? '';
  const content = await readNamedBytes(file, context.terminal);
  try {
    return publicKeyHash(
      certificate === undefined ? parseCsr(content).spki : readCertificate(certificateIn(content, file)).spki,
    );
  } catch (cause) {
    if (cause instanceof SluiceError && cause.code === 'config-invalid') throw cause;
    throw new SluiceError('config-invalid', `${file} cannot be read: ${(cause as Error).message}`, {
      cause,
      facts: { what_to_do: 'Give a certificate or a CSR, PEM or DER, or the hash of the key with --spki-sha256.' },
    });
  }
}

/** As OpenSSL writes it, too: capitals, colons. */
function hexOf(given: string): string {
  const hash = given.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hash)) return hash;
  throw new SluiceError('config-invalid', '--spki-sha256 must be 64 hexadecimal digits', {
    facts: { what_to_do: 'It is the SHA-256 of the SubjectPublicKeyInfo, in DER.' },
  });
}

function addBlock(group: Command, context: CommandContext): void {
  group
    .command('block')
    .description('put a public key on the block list, for good: nobody is certified for it again, by any CA')
    .option('--spki-sha256 <hex>', 'SHA-256 of the SubjectPublicKeyInfo')
    .option('--certificate <file>', 'the key of this certificate, PEM or DER')
    .option('--csr <file>', 'the key of this CSR, PEM or DER')
    .addOption(new Option('--reason <text>', 'for the audit trail').makeOptionMandatory())
    .option('--dry-run', 'check everything, change nothing')
    .addHelpText(
      'after',
      `
Certificates that the key has already stay as they are.

Examples:
  $ sluice key block --certificate leaked.pem --reason "private key found on a public web page"
  $ openssl pkey -pubin -in key.pem -outform DER | sha256sum
  $ sluice key block --spki-sha256 5c1f…a0 --reason "list of weak keys, 2026-11"`,
    )
    .action(async (options: BlockOptions, command: Command) => {
      const body = {
        spki_sha256: await hashOfKey(options, context),
        reason: options.reason,
        dry_run: options.dryRun === true,
      };
      const answer = await context.api(command).post('/admin/v1/blocked-keys', body, blockKeyAnswerSchema);
      show(context, command, answer, () => {
        if (answer.unchanged) return `${answer.spki_sha256} is blocked already.`;
        if (answer.dry_run) return `Would block ${answer.spki_sha256}. Nothing was changed.`;
        return `${answer.spki_sha256} is blocked, as of epoch ${answer.epoch}.`;
      });
    });
}

function addBlocked(group: Command, context: CommandContext): void {
  group
    .command('blocked')
    .description('list the keys that were blocked last, the last one first')
    .addHelpText('after', '\nExamples:\n  $ sluice key blocked\n  $ sluice key blocked --json')
    .action(async (_options: object, command: Command) => {
      const answer = await context.api(command).get('/admin/v1/blocked-keys', blockedKeyListSchema);
      show(context, command, answer, () => {
        if (answer.count === 0) return 'No key is blocked.';
        const rows = answer.blocked_keys.map((key) => [
          key.spki_sha256,
          timeText(key.blocked_at),
          key.blocked_by,
          key.reason,
        ]);
        const more = answer.count - rows.length;
        const screen = table(['SPKI SHA-256', 'BLOCKED', 'BY', 'REASON'], rows);
        return more > 0 ? `${screen}\n\n… and ${more} before them.` : screen;
      });
    });
}

export function addKey(program: Command, context: CommandContext): void {
  const group = program.command('key').description('public keys that nobody may be certified for');
  addBlock(group, context);
  addBlocked(group, context);
}
