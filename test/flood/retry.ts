import { setTimeout as wait } from 'node:timers/promises';
import type { Answer, PostOptions } from '@sluice/testkit';
import type { SwiftClient } from './swift-client.js';

/**
 * Asks until an answer that is no 5xx, at most `attemptsMax` times, always with the same order. `pauseMs` says how long
 * before the next attempt. Resolves with every answer, the last one last.
 */
export async function askAgain(
  client: Pick<SwiftClient, 'post'>,
  order: PostOptions,
  attemptsMax: number,
  pauseMs: (answer: Answer) => number,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (;;) {
    const answer = await client.post(order);
    answers.push(answer);
    if ((answer.status ?? 503) < 500 || answers.length === attemptsMax) return answers;
    await wait(pauseMs(answer));
  }
}

/** As the server asked for; a second when it said nothing. */
export const asTold = ({ retryAfterS }: Answer): number => (retryAfterS ?? 1) * 1000;
/** At once, as if nothing had been said. */
export const atOnce = (): number => 0;
