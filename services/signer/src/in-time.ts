import { SluiceError } from '@sluice/errors';
import { withinHeard } from '@sluice/lifecycle';

/**
 * The answer of a token, or `token-failed` when it has not come within `waitMs` in which we could hear it. The call
 * itself cannot be taken back: whatever it answers later is never looked at.
 */
export async function inTime<T>(waitMs: number, answer: Promise<T>): Promise<T> {
  if (await withinHeard(waitMs, answer)) return await answer;
  throw new SluiceError('token-failed', 'The token did not answer in time');
}
