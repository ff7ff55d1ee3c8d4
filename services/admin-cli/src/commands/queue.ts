import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { addPark, addPause, addResume, addUndoAndStop } from './queue-hold.js';
import { addResubmit } from './queue-resubmit.js';
import { addQueueLs, addReceipts, addShow } from './queue-show.js';

export function addQueue(program: Command, context: CommandContext): void {
  const group = program.command('queue').description('many requests at once: look, hold, set aside, bring back');
  group.addHelpText(
    'after',
    `
What is parked or paused is signed by nobody until it is undone, resumed, resubmitted, or its time is over. Each act gives
a receipt, and goes on at the registry whatever becomes of the terminal. Runbooks: queue-flood, release-parked.

Examples:
  $ sluice queue ls
  $ sluice queue park --account shop --class async --reason "flood, case 4711" --dry-run
  $ sluice queue park --account shop --class async --reason "flood, case 4711" --yes --follow
  $ sluice queue receipts`,
  );
  addQueueLs(group, context);
  addPark(group, context);
  addPause(group, context);
  addResume(group, context);
  addUndoAndStop(group, context);
  addResubmit(group, context);
  addReceipts(group, context);
  addShow(group, context);
}
