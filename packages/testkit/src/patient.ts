import { setTimeout as wait } from 'node:timers/promises';
import { asSluiceError, type Code } from '@sluice/errors';
import type { AdminClient } from './admin-client.js';

/** Nothing was done, says such an answer: it may be asked again, and is, on a machine where others are busy too. */
const nothingDone: ReadonlySet<Code> = new Set(['unavailable', 'fenced']);
const pauseMs = 100;
const patienceMs = 60_000;

/** Asks again, for a minute, what was answered that nothing was done. */
export function patient(admin: AdminClient): AdminClient {
  return {
    async call<T>(...order: Parameters<AdminClient['call']>): Promise<T> {
      for (const end = performance.now() + patienceMs; ; await wait(pauseMs)) {
        try {
          return await admin.call<T>(...order);
        } catch (thrown) {
          if (!nothingDone.has(asSluiceError(thrown).code) || performance.now() > end) throw thrown;
        }
      }
    },
  };
}
