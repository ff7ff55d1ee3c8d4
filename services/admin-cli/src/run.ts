import { asSluiceError, SluiceError } from '@sluice/errors';
import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import { type CommandContext, globalOptions } from './command-context.js';
import { addAccount } from './commands/account.js';
import { addAudit } from './commands/audit.js';
import { addCa } from './commands/ca.js';
import { addKey } from './commands/key.js';
import { addLint } from './commands/lint.js';
import { addProfile } from './commands/profile.js';
import { addQueue } from './commands/queue.js';
import { addRegistry } from './commands/registry.js';
import { addStatus } from './commands/status.js';
import { addSubscribers } from './commands/subscribers.js';
import { addWhy } from './commands/why.js';
import { type Config, type ConfigOptions, readConfig } from './config.js';
import { exitCodeOf, exitCodes, exitCodesHelp } from './exit-codes.js';
import { createRegistryApi } from './registry-api.js';
import { errorJson, errorScreen } from './screens/error-screen.js';
import type { Terminal } from './terminal.js';

export interface RunOptions {
  readonly terminal: Terminal;
  /** For tests; otherwise from options, environment and project file. */
  readonly config?: (options: ConfigOptions) => Config;
}

function createProgram(context: CommandContext): Command {
  const program = new Command('sluice')
    .description("Sluice's operator: looks at and changes CAs, profiles and accounts through the registry")
    .option('--registry <url>', 'address of an issuer-registry (SLUICE_REGISTRY_URL)')
    .option('--operator <name>', 'who you are (SLUICE_OPERATOR)')
    .option('--key <file>', 'your Ed25519 key, PKCS#8 PEM, mode 0600 (SLUICE_OPERATOR_KEY_FILE)')
    .option('--json', 'answer in JSON, errors too')
    .addHelpText(
      'after',
      `${exitCodesHelp}

Examples:
  $ sluice status
  $ sluice why 0199a4c2-7d1e-7c3a-9b1f-2f6f3f1f9a10
  $ sluice ca create --help`,
    );
  // Inherited by every command made below, so it goes first.
  program.exitOverride().showHelpAfterError('(see --help)').configureHelp({ showGlobalOptions: true });
  const { terminal } = context;
  program.configureOutput({
    writeOut: (text) => terminal.out(text.trimEnd()),
    writeErr: (text) => terminal.err(text.trimEnd()),
  });
  addStatus(program, context);
  addWhy(program, context);
  addCa(program, context);
  addProfile(program, context);
  addAccount(program, context);
  addKey(program, context);
  addQueue(program, context);
  addSubscribers(program, context);
  addRegistry(program, context);
  addLint(program, context);
  addAudit(program, context);
  return program;
}

/** Runs one command line (without node and script) and returns its exit code. Never throws. */
export async function run(args: readonly string[], options: RunOptions): Promise<number> {
  const { terminal, config = readConfig } = options;
  const colors = pc.createColors(terminal.interactive && pc.isColorSupported);
  const api: CommandContext['api'] = (command) => createRegistryApi(config(globalOptions(command)), terminal.now);
  let exitCode: number = exitCodes.ok;
  const endWith: CommandContext['endWith'] = (code) => {
    exitCode = code;
  };
  const program = createProgram({ terminal, colors, api, endWith });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    // Help and version come as errors of code 0; everything else commander throws is wrong usage.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const error = asSluiceError(thrown);
    const said = error.code === 'internal' && !(thrown instanceof SluiceError) ? withCause(error, thrown) : error;
    const json = program.opts<{ json?: boolean }>().json === true || args.includes('--json');
    terminal.err(json ? errorJson(said) : errorScreen(said, colors));
    return exitCodeOf(said);
  }
}

/** A fault of this program: there is no log to read the rest in, so it is said here. */
function withCause(error: SluiceError, thrown: unknown): SluiceError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new SluiceError('internal', `A fault of sluice itself: ${message}`, { cause: error });
}
