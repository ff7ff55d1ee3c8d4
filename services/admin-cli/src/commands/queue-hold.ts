import { SluiceError } from '@sluice/errors';
import {
  laneSchema,
  type QueueActAnswer,
  queueActAnswerSchema,
  type ReceiptView,
  receiptSchema,
} from '@sluice/registry-protocol';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { type CommandContext, globalOptions, show } from '../command-context.js';
import { previewScreen, receiptScreen } from '../screens/receipt-screen.js';
import { timeText } from '../screens/time.js';
import { confirm } from './confirm.js';
import { followReceipt } from './follow-receipt.js';
import { addFilterOptions, durationS, type FilterOptions, filterBody, filterText } from './queue-options.js';

/** The hold ends by itself after that. */
function forOption(description: string): Option {
  return new Option('--for <time>', description).argParser(durationS).default(3600, '1h');
}

export interface ActOptions {
  readonly reason: string;
  readonly for: number;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly follow?: boolean;
}

/** A bulk act on its way: what is sent, and how it is told. */
export interface BulkAct {
  readonly path: string;
  readonly body: object;
  /** `park`, for the question. */
  readonly verb: string;
  readonly warning: (answer: QueueActAnswer) => string;
}

/** Preview, question, act, receipt; with `--follow` until it is done. */
export async function bulkAct(
  context: CommandContext,
  command: Command,
  options: Omit<ActOptions, 'for'>,
  act: BulkAct,
): Promise<void> {
  const api = context.api(command);
  const call = (dryRun: boolean) => api.post(act.path, { ...act.body, dry_run: dryRun }, queueActAnswerSchema);
  if (options.dryRun === true) {
    const preview = await call(true);
    show(context, command, preview, () => `${previewScreen(preview.preview)}\n\nNothing was changed.`);
    return;
  }
  if (options.yes !== true) {
    const preview = await call(true);
    const { matched } = preview.preview;
    const about = { name: String(matched), act: `${act.verb} ${matched} requests`, warning: act.warning(preview) };
    await confirm(context, { ...about, screen: previewScreen(preview.preview) });
  }
  const answer = await call(false);
  const id = answer.receipt?.id ?? '';
  if (options.follow !== true) {
    show(context, command, answer, () => actScreen(act.verb, answer));
    return;
  }
  if (globalOptions(command).json !== true) context.terminal.out(actScreen(act.verb, answer));
  const detail = await followReceipt(context, api, id);
  show(context, command, detail, () => receiptScreen(detail));
}

function actScreen(verb: string, { preview, receipt }: QueueActAnswer): string {
  const until = receipt?.holds_until ? ` It holds until ${timeText(receipt.holds_until)}.` : '';
  return `Receipt ${receipt?.id}: ${verb} of ${preview.matched} requests.${until}\nHow far it is: sluice queue show ${receipt?.id} --follow`;
}

/** Options that every act takes which asks before it is done. */
export function addActOptions(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'for the audit trail')
    .option('--follow', 'show how far it is until it is done')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'show what it would be about, change nothing');
}

interface ParkOptions extends ActOptions, FilterOptions {
  readonly arriving?: boolean;
  readonly state?: string;
}

/** What can be parked is queued; anything else is named with what to do instead. */
function parkable(state: string): string {
  if (state === 'queued') return state;
  throw new InvalidArgumentError(
    state === 'signing'
      ? 'What is being signed ends by itself; when it comes back it is held.'
      : 'Only what is queued can be parked; parked and failed requests are on the shelf already.',
  );
}

export function addPark(group: Command, context: CommandContext): void {
  const command = addFilterOptions(group.command('park').description('hold requests at once, and set them aside'))
    .option('--state <state>', 'queued: there is no other that can be parked', parkable, 'queued')
    .addOption(forOption('the hold ends by itself after that: 30m, 2h'))
    .option('--arriving', 'also when nothing matches now: hold what arrives');
  addActOptions(command)
    .addHelpText(
      'after',
      `
No signer takes any of it from then on, and what still arrives is caught too. Whoever waits is told 202 and may poll.

Examples:
  $ sluice queue park --ca demo-tls --reason "renewals flood, case 4711" --dry-run
  $ sluice queue park --profile short-lived --fraction 1/3 --for 2h --reason "a third of them, case 4711"
  $ sluice queue park --account shop --class background --reason "case 4711" --yes --follow`,
    )
    .action((options: ParkOptions, called: Command) =>
      bulkAct(context, called, options, {
        path: '/admin/v1/queue/park',
        body: {
          filter: filterBody(options),
          for_s: options.for,
          reason: options.reason,
          arriving: options.arriving === true,
          all: options.all === true,
        },
        verb: 'park',
        warning: () =>
          `Parks ${filterText(filterBody(options))}, and what arrives of it. sluice queue undo brings it back.`,
      }),
    );
}

const isLane = (text: string): boolean => laneSchema.safeParse(text).success;

function laneOrReceipt(text: string): string {
  if (isLane(text) || z.uuid().safeParse(text.toLowerCase()).success) return text;
  throw new InvalidArgumentError(
    'Give a lane, class and key group like interactive.default, or the id of a receipt: see sluice queue ls.',
  );
}

/** What an act on a receipt left. */
function receiptLine(receipt: ReceiptView): string {
  return `The ${receipt.verb} of receipt ${receipt.id} is ${receipt.state}.`;
}

export function addPause(group: Command, context: CommandContext): void {
  const command = group
    .command('pause')
    .description('hold a lane where it is, or let a resubmission rest')
    .argument('<lane-or-receipt>', 'interactive.default, or the receipt of a resubmission', laneOrReceipt)
    .addOption(forOption('of a lane: the hold ends by itself after that'));
  addActOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  $ sluice queue pause background.default --for 15m --reason "let interactive work catch up"
  $ sluice queue pause 0b0f9a1e-5c1a-4a58-9c7f-6f3a1c2d4e5f --reason "going home" --yes`,
    )
    .action(async (what: string, options: ActOptions, called: Command) => {
      if (isLane(what)) {
        await bulkAct(context, called, options, {
          path: '/admin/v1/queue/pause',
          body: { lane: what, for_s: options.for, reason: options.reason },
          verb: 'pause',
          warning: () => `Nothing of ${what} is signed until it is resumed, or its time is over.`,
        });
        return;
      }
      if (options.dryRun === true) {
        throw new SluiceError('config-invalid', 'Only the pause of a lane can be tried', {
          facts: { what_to_do: `See how far the resubmission is: sluice queue show ${what}.` },
        });
      }
      await actOnReceipt(context, called, what, 'pause', options.reason);
    });
}

/** Undo, resume, stop: no question, since each is the careful direction or can be taken back. */
export async function actOnReceipt(
  context: CommandContext,
  command: Command,
  receipt: string,
  act: 'undo' | 'pause' | 'resume' | 'stop',
  reason: string,
): Promise<void> {
  const path = `/admin/v1/receipts/${encodeURIComponent(receipt)}/${act}`;
  const answer = await context.api(command).post(path, { reason }, receiptSchema);
  show(context, command, answer, () => receiptLine(answer));
}

export function addResume(group: Command, context: CommandContext): void {
  group
    .command('resume')
    .description('let a paused lane, or a resubmission that rests, go on')
    .argument('<lane-or-receipt>', 'interactive.default, or the receipt of a resubmission', laneOrReceipt)
    .requiredOption('--reason <text>', 'for the audit trail')
    .addHelpText('after', '\nExamples:\n  $ sluice queue resume background.default --reason "interactive work is fine"')
    .action(async (what: string, options: { reason: string }, called: Command) => {
      if (!isLane(what)) {
        await actOnReceipt(context, called, what, 'resume', options.reason);
        return;
      }
      const body = { lane: what, reason: options.reason };
      const answer = await context.api(called).post('/admin/v1/queue/resume', body, receiptSchema);
      show(context, called, answer, () => `The lane ${what} goes on; ${receiptLine(answer)}`);
    });
}

export function addUndoAndStop(group: Command, context: CommandContext): void {
  const acts = [
    ['undo', 'lift the hold of a receipt; what was set aside comes back at once', 'the wrong account was named'],
    ['stop', 'end a resubmission; what it did not come to stays on the shelf', 'too many of them are rejected'],
  ] as const;
  for (const [act, description, reason] of acts) {
    group
      .command(act)
      .description(description)
      .argument('<receipt>')
      .requiredOption('--reason <text>', 'for the audit trail')
      .addHelpText(
        'after',
        `\nExamples:\n  $ sluice queue ${act} 0b0f9a1e-5c1a-4a58-9c7f-6f3a1c2d4e5f --reason "${reason}"`,
      )
      .action((receipt: string, options: { reason: string }, called: Command) =>
        actOnReceipt(context, called, receipt, act, options.reason),
      );
  }
}
