import { SluiceError } from '@sluice/errors';
import { requestIdPattern } from '@sluice/ledger';
import { type Answer, problemAnswer } from './answer.js';
import type { RoutedCall } from './call.js';
import type { Front } from './front.js';
import { authenticate } from './steps/1-authenticate.js';
import { answerFor, asked } from './steps/10-answer-for.js';

/** The id in the path; throws `id-invalid`. */
export function requestIdOf(call: RoutedCall): string {
  const id = call.id?.toLowerCase();
  if (id === undefined || !requestIdPattern.test(id)) throw new SluiceError('id-invalid');
  return id;
}

/**
 * `GET /identity/{id}`: what became of a request, as `POST /identity` would say it, but 200 for what is issued or goes
 * on. Another account's request is `not-found`: that it exists is none of this account's business.
 */
export function createGetIdentity(front: Front): (call: RoutedCall) => Promise<Answer> {
  return async (call) => {
    const directory = front.directory();
    const account = authenticate(directory, call.request.headers.authorization);
    const requestId = requestIdOf(call);
    await front.charges.look(account);
    const { random } = front;
    try {
      const standing = await front.ledger.read(requestId);
      if (standing === undefined || standing.account !== account.name) throw new SluiceError('not-found');
      return answerFor(standing, { directory, random, status: asked });
    } catch (thrown) {
      if (thrown instanceof SluiceError && thrown.code === 'not-found') throw thrown;
      const error = new SluiceError('unavailable', 'The ledger did not answer', { cause: thrown });
      return problemAnswer(error, { fate: 'unknown', random });
    }
  };
}
