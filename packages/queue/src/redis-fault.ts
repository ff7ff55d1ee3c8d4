import { SluiceError } from '@sluice/errors';
import type { Log } from '@sluice/lifecycle';
import type { Redis } from 'ioredis';

/**
 * Why Redis did not do it, as text. Only ever the text: an ioredis error carries the command it belongs to with all its
 * arguments, and for AUTH that is the password.
 */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(reasonOf).join(', ');
  return thrown instanceof Error ? thrown.message : String(thrown);
}

export function redisUnavailable(thrown: unknown): SluiceError {
  const reason = reasonOf(thrown);
  return new SluiceError('unavailable', `Redis: ${reason}`, { facts: { dependency: 'redis', reason } });
}

const sameReasonQuietMs = 30_000;

/**
 * Takes the errors of a connection or a BullMQ object, so that none of them ends the process, and logs each reason once
 * in 30 s: a Redis that is away fails every reconnection of every connection.
 */
export function faultLogger(log: Log | undefined, facts: object): (thrown: unknown) => void {
  const quietUntil = new Map<string, number>();
  return (thrown) => {
    const reason = reasonOf(thrown);
    const nowMs = performance.now();
    if (nowMs < (quietUntil.get(reason) ?? 0)) return;
    if (quietUntil.size > 100) quietUntil.clear();
    quietUntil.set(reason, nowMs + sameReasonQuietMs);
    log?.warn({ event: 'redis-fault', ...facts, reason }, 'Redis: something failed; it is tried again');
  };
}

/** Ends a connection whatever state it is in; `quit` would wait for a Redis that is away. */
export function dropConnection(client: Redis): void {
  client.disconnect(false);
}
