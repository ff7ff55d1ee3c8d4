import { asSluiceError } from '@sluice/errors';
import type { CommandContext } from '../command-context.js';
import { errorScreen } from '../screens/error-screen.js';

const watchIntervalMs = 2000;

/** Shows a screen once, or with `--watch` every 2 s until Ctrl-C. `look` clears the terminal itself, just before it shows. */
export async function watchScreen(context: CommandContext, watch: boolean, look: () => Promise<void>): Promise<void> {
  const { terminal, colors } = context;
  await look();
  while (watch && !terminal.interrupted()) {
    await terminal.pause(watchIntervalMs);
    if (terminal.interrupted()) return;
    // Whoever watches wants to see it come back, too.
    await look().catch((error: unknown) => terminal.err(errorScreen(asSluiceError(error), colors)));
  }
}
