import { SluiceError } from '@sluice/errors';
import type { AccountLimit, AccountLimits } from '@sluice/issuance';
import type { LimitChanges } from '@sluice/ledger';
import type { SetLimitsAnswer, SetLimitsBody } from '@sluice/registry-protocol';
import { limitsFrom, limitsView } from '../views/limits-view.js';
import type { AdminContext } from './admin-context.js';
import { findByName } from './find-by-name.js';

/**
 * What an account may ask for from now on. Durable on return with a new epoch; front ends go by it as soon as they have
 * applied that. Throws `not-found`, or `conflict` when it is so already.
 */
export async function setAccountLimits(
  { store }: AdminContext,
  operator: string,
  name: string,
  { limits, reason, dry_run }: SetLimitsBody,
): Promise<SetLimitsAnswer> {
  const state = await store.state();
  const before = findByName(state.accounts, 'account', name).limits;
  const changes = limitsFrom(limits);
  const after = withChanges(before, changes);
  if (limitNames.every((limit) => after[limit] === before[limit])) {
    throw new SluiceError('conflict', `The account ${name} has these limits already`, {
      facts: { what_to_do: 'Nothing to do.' },
    });
  }
  const answer = { name, limits: limitsView(after) };
  if (dry_run === true) return { dry_run: true, epoch: String(state.epoch), ...answer };
  const { epoch } = await store.setAccountLimits(operator, name, changes, reason);
  return { dry_run: false, epoch: String(epoch), ...answer };
}

const limitNames: readonly AccountLimit[] = ['ratePerSecond', 'burst', 'joinsPerSecond', 'ordersPerDay'];

/** What is named is as named, null as if it had never been set. */
export function withChanges(before: AccountLimits, changes: LimitChanges): AccountLimits {
  const after = limitNames.map((limit) => [limit, changes[limit] === undefined ? before[limit] : changes[limit]]);
  return Object.fromEntries(after.filter(([, value]) => typeof value === 'number'));
}
