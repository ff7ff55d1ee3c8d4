import { asSluiceError } from '@sluice/errors';
import { type Checkpoint, noCheckpoint, type Part, runParts } from '@sluice/lifecycle';
import { killAt, shiftClock } from '@sluice/testkit';

/** What the environment of a test's process asks for, whichever service it is. */
export interface ProcessOrders {
  readonly checkpoint: Checkpoint;
  /** Names the bug that is planted now (`bugs/planted.ts`). */
  readonly bugFile: string | undefined;
}

/** As a service's own main.ts, with the testkit's orders from the environment; never rejects. */
export async function runService(
  service: string,
  compose: (orders: ProcessOrders) => {
    readonly log: Parameters<typeof runParts>[1]['log'];
    readonly parts: readonly Part[];
  },
): Promise<void> {
  const { TESTKIT_KILL_FILE, TESTKIT_BUG_FILE, TESTKIT_CLOCK_FILE } = process.env;
  try {
    if (TESTKIT_CLOCK_FILE !== undefined) shiftClock(TESTKIT_CLOCK_FILE);
    const checkpoint = TESTKIT_KILL_FILE === undefined ? noCheckpoint : killAt({ file: TESTKIT_KILL_FILE });
    const { log, parts } = compose({ checkpoint, bugFile: TESTKIT_BUG_FILE });
    await runParts(parts, { log, drainMs: 10_000 });
  } catch (thrown) {
    const { code, message } = asSluiceError(thrown);
    process.stderr.write(`${service} did not start: ${message} (${code})\n`);
    process.exitCode = 1;
  }
}
