import { asSluiceError, SluiceError } from '@sluice/errors';
import type { KeyStore } from '@sluice/key-store';
import { createOutageLog, type Log, type Part, withinHeard } from '@sluice/lifecycle';
import { assertQueueRedis } from '@sluice/queue';
import type { Logger } from '@sluice/telemetry';
import { tokenStanding } from './readiness.js';
import { openWaitMs } from './token-attachment.js';

const longestOpenWaitMs = 60_000;

/** A part that has nothing to start and is closed when all that use it have stopped. */
export function closing(name: string, close: () => Promise<void>): Part {
  let open = true;
  return {
    name,
    start: async () => undefined,
    async stop() {
      if (!open) return;
      open = false;
      await close();
    },
  };
}

/** Refuses a Redis that would evict turns; starts without one that is away, since polling serves until it is back. */
export function queuePart(redisUrl: string, log: Logger, close: () => Promise<void>): Part {
  return {
    ...closing('queue', close),
    async start() {
      try {
        await assertQueueRedis(redisUrl);
      } catch (thrown) {
        const error = asSluiceError(thrown);
        if (error.code === 'config-invalid') throw error;
        log.warn({ event: 'queue-away', err: error }, 'Redis does not answer; the ledger is asked once a second');
      }
    },
  };
}

/**
 * A token that refuses at the start has a wrong pass phrase or is damaged: better not to start. Whether nothing at all lies
 * there because it is new, the ledger is asked later. One that says nothing is busy: it is asked again, with twice the time, and the signer is not ready meanwhile.
 */
export function keyStorePart(
  keyStore: Pick<KeyStore, 'token' | 'identity' | 'close'>,
  { log, monotonicMs, waitMs: firstWaitMs = openWaitMs }: { log: Log; monotonicMs: () => number; waitMs?: number },
): Part {
  const outage = createOutageLog({
    ...{ log, monotonicMs, name: 'token-open' },
    messages: { failed: 'the token did not answer in time; it is asked again', again: 'the token answers' },
  });
  return {
    ...closing('key-store', () => keyStore.close()),
    async start() {
      const facts = { token: keyStore.token };
      for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, longestOpenWaitMs)) {
        const answer = tokenStanding(() => keyStore.identity());
        if (!(await withinHeard(waitMs, answer))) {
          outage.failed(new SluiceError('token-failed', 'The token did not answer in time', { facts }));
          continue;
        }
        const standing = await answer;
        if (standing !== 'ok') throw new SluiceError('token-failed', standing, { facts });
        outage.over();
        return;
      }
    },
  };
}
