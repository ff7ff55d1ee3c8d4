import { changeStateAnswerSchema } from '@sluice/registry-protocol';
import type { Command } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { exitCodes } from '../exit-codes.js';
import type { RegistryApi } from '../registry-api.js';
import { confirm } from './confirm.js';
import { addWaitOptions, followChange, type WaitOptions } from './follow-change.js';
import { proposalScreen, proposedText } from './propose.js';

/** What differs from one command that changes a state to the next. */
export interface StateVerb {
  readonly noun: 'ca' | 'profile' | 'account';
  readonly verb: 'disable' | 'enable' | 'retire';
  readonly description: string;
  /** What follows from it, asked about before it is done; undefined: done without a question. */
  readonly warning?: (name: string) => string;
  /** What it is about, to look at before it is done. */
  readonly look?: (api: RegistryApi, name: string) => Promise<string>;
  /** Work ends by it. */
  readonly stops: boolean;
  /** Arguments of the examples, after noun and verb. */
  readonly examples: readonly string[];
}

interface StateOptions extends WaitOptions {
  readonly reason: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** As people write it. */
const nounText = { ca: 'CA', profile: 'profile', account: 'account' } as const;

/** A command that moves a CA, profile or account from one state to another, under one operator's name or two. */
export function addStateCommand(group: Command, context: CommandContext, state: StateVerb): void {
  const { noun, verb, description, examples } = state;
  const command = group
    .command(verb)
    .description(description)
    .argument('<name>')
    .requiredOption('--reason <text>', 'for the audit trail');
  if (state.warning !== undefined) command.option('--yes', 'do not ask');
  addWaitOptions(command.option('--dry-run', 'check everything, change nothing'))
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ sluice ${noun} ${verb} ${line}`).join('\n')}`)
    .action((name: string, options: StateOptions, called: Command) =>
      changeState(context, state, name, options, called),
    );
}

async function changeState(
  context: CommandContext,
  state: StateVerb,
  name: string,
  options: StateOptions,
  command: Command,
): Promise<void> {
  const { noun, verb, stops } = state;
  const act = `${verb} ${nounText[noun]} ${name}`;
  const api = context.api(command);
  const path = `/admin/v1/${noun}s/${encodeURIComponent(name)}`;
  const call = (dryRun: boolean) =>
    api.post(`${path}/${verb}`, { reason: options.reason, dry_run: dryRun }, changeStateAnswerSchema);
  if (state.warning !== undefined && options.dryRun !== true && options.yes !== true) {
    // What would be refused anyway is refused before the person is asked.
    const { done, proposal } = await call(true);
    const asProposed = done && proposal !== null ? ` It is done at once, ${proposedText(proposal)}.` : '';
    const screen = state.look === undefined ? {} : { screen: await state.look(api, name) };
    await confirm(context, { name, act, warning: state.warning(name) + asProposed, ...screen });
  }
  const beganAtMs = context.terminal.now().getTime();
  const answer = await call(options.dryRun === true);
  const answeredAfterMs = context.terminal.now().getTime() - beganAtMs;
  const { proposal } = answer;
  const asProposed = proposal === null ? '' : `, ${proposedText(proposal)}`;
  if (!answer.done && proposal !== null) {
    show(context, command, answer, () =>
      answer.dry_run
        ? `Would propose to ${act}: it takes two operators. Nothing was changed.`
        : proposalScreen(proposal),
    );
    if (!answer.dry_run) context.endWith(exitCodes.proposed);
    return;
  }
  const screen = (): string =>
    answer.dry_run
      ? `Would ${act}${asProposed}. Nothing was changed.`
      : `${nounText[noun]} ${name} is ${answer.state} since epoch ${answer.epoch}${asProposed}.`;
  await followChange(context, command, options, { answer, beganAtMs, answeredAfterMs, stops, screen });
}
