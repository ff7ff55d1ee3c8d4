import type { Breaker } from '@sluice/breaker';
import { SluiceError } from '@sluice/errors';
import type { ClockWatch } from '@sluice/registry-client';
import type { TokenAttachment } from './token-attachment.js';

/**
 * Why this signer must not claim now, or `undefined`. What it cannot sign stays in the queue, for whoever can:
 * - Its token does not answer. It serves one key group from one token, so none of its lanes can be served; a claim would
 *   only take serials and give them back. Whether the token answers again is asked of the token alone, by its breaker.
 * - The ledger does not know which token it has, or says that it is another than the one of that name.
 * - Its clock is wrong: the days of its serials and the times of its audit trail would be.
 */
export function claimHindrance(sources: {
  readonly tokenBreaker: Pick<Breaker, 'state' | 'name'>;
  readonly clockWatch: Pick<ClockWatch, 'fault'>;
  readonly attachment: Pick<TokenAttachment, 'fault'>;
}): SluiceError | undefined {
  const { tokenBreaker, clockWatch, attachment } = sources;
  const fault = clockWatch.fault();
  if (fault !== undefined) return new SluiceError('clock-skewed', `This process's clock is ${fault}`);
  if (tokenBreaker.state() !== 'closed') return new SluiceError('token-failed', `${tokenBreaker.name} does not answer`);
  return attachment.fault();
}
