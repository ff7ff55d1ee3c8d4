import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { addStateCommand } from './state-command.js';

export function addProfileStates(group: Command, context: CommandContext): void {
  addStateCommand(group, context, {
    noun: 'profile',
    verb: 'disable',
    description: 'stop certificates by this profile, at once',
    warning: (name) => `Whoever asks for ${name} is refused from now on, and what is queued for it is rejected.`,
    stops: true,
    examples: ['tls-client --reason "wrong key usage" --dry-run', 'tls-client --reason "wrong key usage" --wait'],
  });
  addStateCommand(group, context, {
    noun: 'profile',
    verb: 'enable',
    description: 'let certificates be made by this profile again',
    stops: false,
    examples: ['tls-client --reason "revision 5 is right" --wait'],
  });
}
