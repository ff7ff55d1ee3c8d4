import { asSluiceError, SluiceError } from '@sluice/errors';
import type { KeyStore } from '@sluice/key-store';
import type { Part } from '@sluice/lifecycle';
import { assertQueueRedis } from '@sluice/queue';
import type { Logger } from '@sluice/telemetry';
import { askToken, tokenStanding } from './readiness.js';

/** Opening a token, or making an empty directory one, takes longer than asking one that is open. */
const openWaitMs = 10_000;

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

/** A token that does not open at the start is a wrong pass phrase or a volume that is not mounted: better not to start. */
export function keyStorePart(keyStore: KeyStore): Part {
  return {
    ...closing('key-store', () => keyStore.close()),
    async start() {
      const standing = await tokenStanding(() => askToken(keyStore, openWaitMs));
      if (standing !== 'ok') throw new SluiceError('token-failed', standing, { facts: { token: keyStore.token } });
    },
  };
}
