import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { addCaCreate } from './ca-create.js';
import { addCaLiftQuarantine } from './ca-lift-quarantine.js';
import { addCaList } from './ca-list.js';
import { addCaShow } from './ca-show.js';
import { addCaStates } from './ca-states.js';

export function addCa(program: Command, context: CommandContext): void {
  const group = program.command('ca').description('certification authorities');
  addCaCreate(group, context);
  addCaList(group, context);
  addCaShow(group, context);
  addCaStates(group, context);
  addCaLiftQuarantine(group, context);
}
