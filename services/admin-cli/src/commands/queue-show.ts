import {
  type QueueView,
  queueSchema,
  receiptDetailSchema,
  receiptItemsSchema,
  receiptListSchema,
} from '@sluice/registry-protocol';
import type { Command } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { receiptScreen, receiptsScreen } from '../screens/receipt-screen.js';
import { table } from '../screens/table.js';
import { durationText } from '../screens/time.js';
import { followReceipt } from './follow-receipt.js';

function queueScreen({ at, groups, holds }: QueueView): string {
  const ageText = (oldest: string): string => durationText(Date.parse(at) - Date.parse(oldest));
  const rows = groups.map((group) => [
    group.state,
    `${group.class}.${group.key_group}`,
    group.account,
    group.ca,
    group.profile ?? '–',
    String(group.count),
    ageText(group.oldest),
    group.code ?? '',
  ]);
  const held = holds.length === 0 ? 'Nothing is held.' : `Held:\n${receiptsScreen(holds)}`;
  if (rows.length === 0) return `Nothing is open or on the shelf.\n\n${held}`;
  return `${table(['STATE', 'LANE', 'ACCOUNT', 'CA', 'PROFILE', 'COUNT', 'OLDEST', 'WHY'], rows)}\n\n${held}`;
}

export function addQueueLs(group: Command, context: CommandContext): void {
  group
    .command('ls')
    .description('the largest groups of requests, open and set aside, and what is held')
    .addHelpText('after', '\nExamples:\n  $ sluice queue ls\n  $ sluice queue ls --json | jq .groups[0]')
    .action(async (_options: object, command: Command) => {
      const answer = await context.api(command).get('/admin/v1/queue', queueSchema);
      show(context, command, answer, () => queueScreen(answer));
    });
}

export function addReceipts(group: Command, context: CommandContext): void {
  group
    .command('receipts')
    .description('the newest bulk acts, and how far each is')
    .addHelpText('after', '\nExamples:\n  $ sluice queue receipts')
    .action(async (_options: object, command: Command) => {
      const answer = await context.api(command).get('/admin/v1/receipts', receiptListSchema);
      show(context, command, answer, () => receiptsScreen(answer.receipts));
    });
}

export function addShow(group: Command, context: CommandContext): void {
  group
    .command('show')
    .description('one bulk act: what it is about, how far it is, what was passed over and why')
    .argument('<receipt>')
    .option('--follow', 'show how far it is until it is done')
    .option('--list <result>', 'the ids of the requests with that result: superseded, ca-disabled, resubmitted …')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice queue show 0b0f9a1e-5c1a-4a58-9c7f-6f3a1c2d4e5f --follow
  $ sluice queue show 0b0f9a1e-5c1a-4a58-9c7f-6f3a1c2d4e5f --list superseded`,
    )
    .action(async (receipt: string, options: { follow?: boolean; list?: string }, command: Command) => {
      const api = context.api(command);
      const path = `/admin/v1/receipts/${encodeURIComponent(receipt)}`;
      if (options.list !== undefined) {
        await listItems(context, command, `${path}/results/${encodeURIComponent(options.list)}`);
        return;
      }
      const detail =
        options.follow === true
          ? await followReceipt(context, api, encodeURIComponent(receipt))
          : await api.get(path, receiptDetailSchema);
      show(context, command, detail, () => receiptScreen(detail));
    });
}

/** Page by page: there may be a hundred thousand. */
async function listItems(context: CommandContext, command: Command, path: string): Promise<void> {
  const api = context.api(command);
  let next: string | null = null;
  do {
    const page: { request_ids: string[]; next: string | null } = await api.get(
      next === null ? path : `${path}/after/${next}`,
      receiptItemsSchema,
    );
    for (const id of page.request_ids) context.terminal.out(id);
    next = page.next;
  } while (next !== null);
}
