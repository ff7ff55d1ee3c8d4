import { asSluiceError, type Code } from '@sluice/errors';
import type { SignerContext } from './signer-context.js';

/** Errors that say nothing about whether the ledger did it: ask again, the verbs are made for that. */
const unanswered: ReadonlySet<Code> = new Set(['outcome-unknown', 'unavailable', 'fenced']);
const firstPauseMs = 50;
const longestPauseMs = 1000;

/**
 * Repeats a call that is safe to repeat while the ledger gives no answer, with full jitter from 50 ms to 1 s, as long
 * as `remainingMs` (of the work's lease) is left. Then, or at any other error, throws: the sweep repairs what is open.
 * `fenced` is no answer either: the process was frozen or cut off, and enrols anew before it asks again.
 */
export async function untilAnswered<T>(
  context: SignerContext,
  verb: string,
  remainingMs: () => number,
  call: () => Promise<T>,
): Promise<T> {
  const { clock, metrics } = context;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await call();
    } catch (thrown) {
      const { code } = asSluiceError(thrown);
      if (!unanswered.has(code) || remainingMs() <= pauseMs) throw thrown;
      metrics.unanswered.inc({ verb, code });
      // The lease logs a failure, and the next round finds out.
      if (code === 'fenced') await context.renewNow().catch(() => undefined);
      await clock.pause(clock.random() * pauseMs);
    }
  }
}
