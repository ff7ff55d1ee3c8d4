import type { Command } from 'commander';
import type { Colors } from 'picocolors/types.js';
import type { ConfigOptions } from './config.js';
import type { RegistryApi } from './registry-api.js';
import type { Terminal } from './terminal.js';

/** What a command works with. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly colors: Colors;
  /** The registry that this call's options, environment or project file name. Throws `config-invalid`. */
  readonly api: (command: Command) => RegistryApi;
  /** For what was done and found something: the exit code to end with instead of 0. */
  readonly endWith: (exitCode: number) => void;
}

/** Options that every command takes. */
export interface GlobalOptions extends ConfigOptions {
  readonly json?: boolean;
}

export function globalOptions(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions>();
}

/** The answer as JSON when that was asked for, else as people read it. */
export function show(context: CommandContext, command: Command, answer: object, screen: () => string): void {
  context.terminal.out(globalOptions(command).json === true ? JSON.stringify(answer, null, 2) : screen());
}
