import { every, type Part, within } from '@sluice/lifecycle';
import type { TurnConsumer } from '@sluice/queue';
import type { LanePump } from './lane-pump.js';
import type { SignerContext } from './signer-context.js';

/** How often each lane is looked at for whether it is time to ask the ledger. */
const pollTickMs = 250;

/** The lanes of this signer's key group: their turns, their polling, and how they stop. */
export interface Lanes extends Part {
  /** From half of the drain's deadline on: what the key was not asked for is released instead of signed. */
  mustStop(): boolean;
}

export function createLanes(options: {
  readonly pumps: () => readonly LanePump[];
  readonly consumers: () => readonly TurnConsumer[];
  readonly clock: Pick<SignerContext['clock'], 'monotonicMs'>;
  readonly log: SignerContext['log'];
}): Lanes {
  const { pumps, consumers, clock, log } = options;
  let releaseFromMs = Number.POSITIVE_INFINITY;
  const polling = every(
    'poll',
    pollTickMs,
    async () => {
      for (const pump of pumps()) pump.poll();
    },
    log,
  );

  return {
    name: 'lanes',
    mustStop: () => clock.monotonicMs() >= releaseFromMs,
    async start() {
      await Promise.all(consumers().map((consumer) => consumer.start()));
      await polling.start();
    },
    async stop(deadlineMs) {
      releaseFromMs = Math.min(releaseFromMs, clock.monotonicMs() + deadlineMs / 2);
      await polling.stop(deadlineMs);
      const drained = Promise.all([
        ...consumers().map((consumer) => consumer.stop(deadlineMs)),
        ...pumps().map((pump) => pump.drain()),
      ]);
      if (await within(deadlineMs, drained)) return;
      log.error(
        { event: 'drain-late' },
        'stopped with claims in hand; the sweep burns and queues again what they hold',
      );
    },
  };
}
