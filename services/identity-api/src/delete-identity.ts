import { SluiceError } from '@sluice/errors';
import type { z } from 'zod';
import { type Answer, jsonAnswer, locationOf, problemAnswer } from './answer.js';
import type { cancelledSchema } from './api/schemas.js';
import type { RoutedCall } from './call.js';
import type { Front } from './front.js';
import { requestIdOf } from './get-identity.js';
import { authenticate } from './steps/1-authenticate.js';

/**
 * `DELETE /identity/{id}` cancels what is queued or on the shelf: 200 `{id, state: "cancelled", fate: "cancelled"}`, the
 * same again when asked again. What is being signed or has ended is `not-cancellable` (409, with its state); another
 * account's id is `not-found`. Without the ledger's answer: `outcome-unknown`; asking again is safe.
 */
export function createDeleteIdentity(front: Front): (call: RoutedCall) => Promise<Answer> {
  return async (call) => {
    const account = authenticate(front.directory(), call.request.headers.authorization);
    const requestId = requestIdOf(call);
    await front.charges.look(account);
    const standing = await front.ledger.cancel(requestId, account.name).catch((cause: unknown) => ({ cause }));
    if (standing === undefined) throw new SluiceError('not-found');
    if ('cause' in standing) {
      const error = new SluiceError('outcome-unknown', 'The ledger did not say; ask again', { cause: standing.cause });
      return problemAnswer(error, { fate: 'unknown', location: locationOf(requestId), random: front.random });
    }
    if (standing.account !== account.name) throw new SluiceError('not-found');
    if (standing.state !== 'cancelled') {
      throw new SluiceError('not-cancellable', undefined, { facts: { id: requestId, state: standing.state } });
    }
    const body = { id: requestId, state: 'cancelled', fate: 'cancelled' } as const;
    return jsonAnswer(200, body satisfies z.infer<typeof cancelledSchema>, {}, 'cancelled');
  };
}
