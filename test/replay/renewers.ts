import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Answer, System } from '@sluice/testkit';
import { nextOrder } from '../flood/orders.js';

/** Between two looks at what was asked for, and, for those that never stop, between two orders. */
const paceMs = 1000;
const pauseMsMax = 16_000;

export interface Renewers {
  readonly answers: readonly Answer[];
  /** Every responder of these CAs asks for a new certificate. */
  restart(cas: readonly string[]): void;
  /** No responder asks for these any more. */
  forget(cas: readonly string[]): void;
  stop(): Promise<void>;
}

/**
 * OCSP responders that renew their signing certificates: nobody waits at a connection, so in class `async`. Nobody tells
 * them that a CA is dead; those that stop learn it from the first answer that refuses it for good.
 */
export function startRenewers(
  system: System,
  options: { readonly apiKey: string; readonly responders: number; readonly stops: boolean },
): Renewers {
  const client = system.client({ apiKey: options.apiKey });
  const forgotten = new Set<string>();
  const renewing: Promise<void>[] = [];
  const over = new AbortController();
  setMaxListeners(0, over.signal); // every responder pauses on it
  const pause = (ms: number): Promise<void> => wait(ms, undefined, { signal: over.signal }).catch(() => undefined);
  const wanted = (ca: string): boolean => !over.signal.aborted && !forgotten.has(ca);
  const ask = (ca: string): Promise<Answer> =>
    client.post(nextOrder({ profile: `${ca}-tls`, prefer: 'respond-async' }));
  const isOpen = ({ status, fate, state }: Answer): boolean =>
    fate === 'continuing' || (status === 200 && state !== 'issued');

  /** One in flight, looked at until it ended. */
  async function renewOnce(ca: string): Promise<Answer> {
    let answer = await ask(ca);
    while (wanted(ca) && isOpen(answer) && answer.id !== undefined) {
      await pause(paceMs);
      answer = await client.get(answer.id);
    }
    return answer;
  }
  async function renew(ca: string): Promise<void> {
    for (let pauseMs = paceMs; wanted(ca); pauseMs = Math.min(2 * pauseMs, pauseMsMax)) {
      const answer = await renewOnce(ca);
      if (answer.state === 'issued' || (answer.status ?? 503) < 500) return;
      await pause(Math.max(pauseMs, (answer.retryAfterS ?? 0) * 1000));
    }
  }
  /** Asks anew when it has not got it after a second; what it asked for before stays where it is. */
  async function renewForEver(ca: string): Promise<void> {
    while (wanted(ca)) {
      const { id } = await ask(ca);
      await pause(paceMs);
      if (id !== undefined && (await client.get(id)).state === 'issued') return;
    }
  }
  return {
    answers: client.answers,
    restart(cas) {
      const each = Array.from({ length: options.responders }, () => cas).flat();
      renewing.push(...each.map(options.stops ? renew : renewForEver));
    },
    forget(cas) {
      for (const ca of cas) forgotten.add(ca);
    },
    async stop() {
      over.abort();
      await Promise.all(renewing);
    },
  };
}
