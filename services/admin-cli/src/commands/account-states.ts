import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { addStateCommand } from './state-command.js';

export function addAccountStates(group: Command, context: CommandContext): void {
  addStateCommand(group, context, {
    noun: 'account',
    verb: 'disable',
    description: 'refuse everything this account asks, at once',
    warning: (name) => `All keys of ${name} stop working, and what is queued for it is rejected.`,
    stops: true,
    examples: ['acme --reason "contract ended" --dry-run', 'acme --reason "contract ended" --wait'],
  });
  addStateCommand(group, context, {
    noun: 'account',
    verb: 'enable',
    description: 'let this account ask again, with the keys it has',
    stops: false,
    examples: ['acme --reason "contract renewed" --wait'],
  });
}
