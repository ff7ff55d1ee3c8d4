import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { addPark, addPause, addResume, addUndoAndStop } from './queue-hold.js';
import { addResubmit } from './queue-resubmit.js';
import { addQueueLs, addReceipts, addShow } from './queue-show.js';

export function addQueue(program: Command, context: CommandContext): void {
  const group = program.command('queue').description('many requests at once: look, hold, set aside, bring back');
  addQueueLs(group, context);
  addPark(group, context);
  addPause(group, context);
  addResume(group, context);
  addUndoAndStop(group, context);
  addResubmit(group, context);
  addReceipts(group, context);
  addShow(group, context);
}
