import { setTimeout as wait } from 'node:timers/promises';
import type { System } from '@sluice/testkit';
import { startArrivals } from './arrivals.js';
import { nextOrder } from './orders.js';
import type { SwiftClient } from './swift-client.js';

const signaturesAtMostPerSecond = 10_000;
const compileMs = 40_000;
const callers = 64;
/** Twice what can be signed, until signers have measured it: of the fast token they remember more. */
const learnMs = 15_000;

/**
 * Services as they are when they have run for a while: cold ones take twice the processor for the same. First callers in
 * a closed loop at a token that hardly keeps them waiting, then more orders than the token can sign from now on.
 */
export async function warmUp(
  system: System,
  clients: readonly SwiftClient[],
  signaturesPerSecond: number,
): Promise<void> {
  let asked = 0;
  const ask = () => (clients[asked++ % clients.length] as SwiftClient).post(nextOrder());
  system.pacer?.setRate(signaturesAtMostPerSecond);
  const until = performance.now() + compileMs;
  const caller = async (): Promise<void> => {
    while (performance.now() < until) await ask();
  };
  await Promise.all(Array.from({ length: callers }, caller));
  system.pacer?.setRate(signaturesPerSecond);
  const learning = startArrivals(2 * signaturesPerSecond, ask);
  await wait(learnMs);
  await learning.stop();
}
