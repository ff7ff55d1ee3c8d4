import { asSluiceError } from '@sluice/errors';
import { type ChangeView, changeViewSchema } from '@sluice/registry-protocol';
import { type Command, InvalidArgumentError } from 'commander';
import { type CommandContext, globalOptions, show } from '../command-context.js';
import { exitCodes } from '../exit-codes.js';
import type { RegistryApi } from '../registry-api.js';
import { errorScreen } from '../screens/error-screen.js';
import { type Waited, waitLine, waitPicture, waitScreen } from '../screens/wait-screen.js';

const lookIntervalMs = 500;
const defaultTimeoutS = 120;

export interface WaitOptions {
  readonly wait?: boolean;
  readonly timeout: number;
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Give a number of seconds.');
}

/** `--wait` and `--timeout`, alike for all commands that change what is pushed. */
export function addWaitOptions(command: Command): Command {
  return command
    .option('--wait', 'return when every subscriber has applied it or is fenced; meanwhile show who has not')
    .option('--timeout <seconds>', 'with --wait: how long at most', seconds, defaultTimeoutS);
}

/** A change that was made, with what is needed to tell how long it took. */
export interface MadeChange {
  readonly answer: { readonly dry_run: boolean; readonly epoch: string };
  /** When the command was sent, and how long until the answer: by this machine's clock. */
  readonly beganAtMs: number;
  readonly answeredAfterMs: number;
  /** It ended work, so that the time of the last claim is of interest. */
  readonly stops: boolean;
  /** What was done, for people. */
  readonly screen: () => string;
}

/** When each subscriber was first seen to have applied the change: what it acknowledges later is another version's. */
function createFirstSeen(): (change: ChangeView) => number | undefined {
  const firstMs = new Map<string, number>();
  return ({ epoch, subscribers }) => {
    for (const { name, incarnation, acknowledged_epoch, acknowledged_at } of subscribers) {
      const key = `${name} ${incarnation}`;
      if (acknowledged_at === null || BigInt(acknowledged_epoch) < BigInt(epoch) || firstMs.has(key)) continue;
      firstMs.set(key, Date.parse(acknowledged_at));
    }
    return firstMs.size === 0 ? undefined : Math.max(...firstMs.values());
  };
}

/** Looks until it is settled, time is over or the person stops it. A registry that is away meanwhile is waited for, too. */
async function waitUntilSettled(
  context: CommandContext,
  api: RegistryApi,
  made: MadeChange,
  timeoutS: number,
): Promise<Waited> {
  const { terminal, colors } = context;
  const { beganAtMs, answeredAfterMs, stops, answer } = made;
  const elapsedMs = (): number => terminal.now().getTime() - beganAtMs;
  const lastSeen = createFirstSeen();
  let told = '';
  for (;;) {
    let change: ChangeView | undefined;
    let acknowledgedAtMs: number | undefined;
    let line: string;
    try {
      change = await api.get(`/admin/v1/changes/${answer.epoch}`, changeViewSchema);
      acknowledgedAtMs = lastSeen(change);
      line = terminal.interactive ? waitPicture(change, elapsedMs(), colors) : waitLine(change);
    } catch (error) {
      line = errorScreen(asSluiceError(error), colors);
    }
    if (change?.settled === true || elapsedMs() >= timeoutS * 1000 || terminal.interrupted()) {
      if (terminal.interactive) terminal.redraw('');
      // The change was made between the sending and the answer: counted from the earliest that this can have been.
      const commandAtMs = change === undefined ? 0 : Date.parse(change.changed_at) - answeredAfterMs;
      const since = (atMs: number | undefined): number | null => (atMs === undefined ? null : atMs - commandAtMs);
      const claimedAt = stops ? change?.last_claim_at : undefined;
      return {
        change,
        last_claim_ms: since(claimedAt ? Date.parse(claimedAt) : undefined),
        last_acknowledgement_ms: since(acknowledgedAtMs),
      };
    }
    if (terminal.interactive) terminal.redraw(line);
    else if (line !== told) terminal.err(line);
    told = line;
    await terminal.pause(lookIntervalMs);
  }
}

/** Shows what was done; with `--wait`, when all have applied it. Ends with `notSettled` when some had not. */
export async function followChange(
  context: CommandContext,
  command: Command,
  options: WaitOptions,
  made: MadeChange,
): Promise<void> {
  if (options.wait !== true || made.answer.dry_run) {
    show(context, command, made.answer, made.screen);
    return;
  }
  if (globalOptions(command).json !== true) context.terminal.out(made.screen());
  const waited = await waitUntilSettled(context, context.api(command), made, options.timeout);
  const { change, ...times } = waited;
  const settled = change?.settled === true;
  const answer = { ...made.answer, wait: { settled, ...times, subscribers: change?.subscribers ?? null } };
  show(context, command, answer, () => waitScreen(waited, made.stops, context.colors));
  if (!settled) context.endWith(exitCodes.notSettled);
}
