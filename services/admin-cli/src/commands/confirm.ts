import { SluiceError } from '@sluice/errors';
import type { CommandContext } from '../command-context.js';

/** A question to the person before something is done that others will feel. */
export interface Question {
  /** What is to be typed: a habit of pressing y must not disable a CA. */
  readonly name: string;
  /** `disable CA demo-tls` */
  readonly act: string;
  /** What follows from it, in a sentence or two. */
  readonly warning: string;
  /** What it is about, to look at. */
  readonly screen?: string;
}

/** Returns when the person typed the name. Throws `cancelled` for anything else, `config-invalid` when nobody is there. */
export async function confirm({ terminal, colors }: CommandContext, question: Question): Promise<void> {
  const { name, act, warning, screen } = question;
  if (!terminal.interactive) {
    throw new SluiceError('config-invalid', `To ${act} needs a person to confirm it`, {
      facts: { what_to_do: 'Run it at a terminal, or give --yes.' },
    });
  }
  if (screen !== undefined) terminal.err(`${screen}\n`);
  terminal.err(colors.yellow(warning));
  const typed = await terminal.ask(`Type ${name} to ${act}: `);
  if (typed.trim() === name) return;
  throw new SluiceError('cancelled', 'That is another name; nothing was changed', {
    facts: { what_to_do: `To ${act}, type ${name} when asked.` },
  });
}
