import { asSluiceError } from '@sluice/errors';
import type { SignerContext } from './signer-context.js';

/**
 * Once a second: tells the ledger how much this signer can sign, for the front ends' admission. 0 while it may not claim.
 * Throws nothing: a report that did not arrive is followed by the next, and the sweep tells that the ledger is away.
 */
export async function reportCapacity(
  context: Pick<SignerContext, 'ledger' | 'caller' | 'claimHindrance' | 'capacity' | 'metrics' | 'log'>,
  keyGroup: string,
): Promise<void> {
  const { ledger, caller, claimHindrance, capacity, metrics, log } = context;
  const perSecond = claimHindrance() ? 0 : capacity.perSecond();
  metrics.capacity.set(perSecond ?? 0);
  try {
    await ledger.reportCapacity(caller(), { keyGroup, perSecond });
  } catch (thrown) {
    const err = asSluiceError(thrown);
    log.debug({ event: 'capacity-untold', code: err.code, err }, 'the ledger did not take the capacity of this signer');
  }
}
