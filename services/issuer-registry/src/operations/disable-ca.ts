import { SluiceError } from '@sluice/errors';
import { caTransitions } from '@sluice/issuance';
import type { DisableCaAnswer, DisableCaBody } from '@sluice/registry-protocol';
import type { AdminContext } from './admin-context.js';
import { findByName } from './find-by-name.js';

/**
 * `active` → `disabled`, by one operator: the safe direction takes one person, the way back takes two. Durable on
 * return with a new epoch: no claim that starts after it signs for subscribers of this CA. OCSP signers and CRLs go on.
 * Throws `not-found`, or `conflict` from any other state.
 */
export async function disableCa(
  context: AdminContext,
  operator: string,
  name: string,
  body: DisableCaBody,
): Promise<DisableCaAnswer> {
  const state = await context.store.state();
  const ca = findByName(state.cas, 'CA', name);
  const wayOut = caTransitions[ca.state].find(({ to }) => to === 'disabled');
  if (wayOut === undefined || wayOut.twoPersons) {
    throw new SluiceError('conflict', `${name} is ${ca.state}: only an active CA is disabled by one operator`, {
      facts: { state: ca.state, what_to_do: 'Nothing to do if it is disabled already; see sluice ca show.' },
    });
  }
  if (body.dry_run === true) return { dry_run: true, epoch: String(state.epoch), name, state: ca.state };
  // The ledger compares the state again under the CA's lock; what was read above only gives a clearer message.
  const { epoch } = await context.store.disableCa(operator, name, body.reason);
  return { dry_run: false, epoch: String(epoch), name, state: 'disabled' };
}
