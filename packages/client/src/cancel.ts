import { type Trying, tryUntil, type Until } from './attempts.js';
import { CallError } from './call-error.js';
import type { Http } from './http.js';
import { replyOf } from './reply.js';

const cancelMaxMs = 10_000;

/**
 * `DELETE /identity/{id}`, tried again: asking twice is safe. Throws CallError: `not-cancellable` for what is being
 * signed or has ended; the fate `unknown` when it may or may not be cancelled.
 */
export async function cancel(http: Http, trying: Trying, id: string, until: Until): Promise<void> {
  const { clock } = trying;
  const {
    reply,
    attempts,
    gaveUp = 'permanent',
  } = await tryUntil(trying, until, async () => {
    const timeoutMs = Math.min(cancelMaxMs, until.deadlineMs - clock.monotonicMs());
    const answer = await http({ method: 'DELETE', path: `/identity/${id}` }, { timeoutMs, signal: until.signal });
    return replyOf(answer, ({ fate }) => (fate === 'cancelled' ? true : undefined), clock.epochMs());
  });
  if (reply.kind === 'done') return;
  const common = { id, attempts, gaveUp };
  if (reply.kind === 'refused') throw new CallError('DELETE /identity', { ...reply, ...common });
  throw new CallError('DELETE /identity', { ...common, code: 'no-answer', fate: 'unknown' }, reply.cause);
}
