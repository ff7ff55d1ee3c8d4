import { SluiceError } from '@sluice/errors';
import type { LiftQuarantineAnswer, LiftQuarantineBody } from '@sluice/registry-protocol';
import type { AdminContext } from './admin-context.js';
import { findByName } from './find-by-name.js';

/**
 * Ends a quarantine, on one token or of the whole CA: a person has seen that the key is back. Durable on return with a
 * new epoch; held work is claimed again, but for what was parked meanwhile, which is counted. A signer that does not find the key sets it anew. Throws `not-found`, or
 * `conflict` when there is none to lift.
 */
export async function liftQuarantine(
  { store }: AdminContext,
  operator: string,
  name: string,
  { token, reason, dry_run }: LiftQuarantineBody,
): Promise<LiftQuarantineAnswer> {
  const before = await store.state();
  const { quarantined, quarantinedTokens } = findByName(before.cas, 'CA', name);
  const there = token === undefined ? quarantined || quarantinedTokens.length > 0 : quarantinedTokens.includes(token);
  if (!there) {
    const where = token === undefined ? '' : ` on token ${token}`;
    throw new SluiceError('conflict', `${name} is not quarantined${where}`, {
      facts: { what_to_do: `Nothing to do; see sluice ca show ${name}.` },
    });
  }
  if (dry_run === true) {
    const quarantined_tokens = [...quarantinedTokens];
    const parked = await store.parkedOf(name);
    return { dry_run: true, epoch: String(before.epoch), name, quarantined, quarantined_tokens, parked };
  }
  const { epoch } = await store.liftQuarantine(operator, name, token, reason);
  const after = findByName((await store.state()).cas, 'CA', name);
  const quarantined_tokens = [...after.quarantinedTokens];
  const parked = await store.parkedOf(name);
  return { dry_run: false, epoch: String(epoch), name, quarantined: after.quarantined, quarantined_tokens, parked };
}
