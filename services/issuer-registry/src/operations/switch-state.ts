import { SluiceError } from '@sluice/errors';
import type { ChangeStateAnswer, ChangeStateBody } from '@sluice/registry-protocol';
import type { AdminContext } from './admin-context.js';
import { findByName } from './find-by-name.js';

type Switch = 'enabled' | 'disabled';

/**
 * A profile or an account on or off, by one operator. Durable on return with a new epoch: no claim that starts after it
 * goes by the old state. Throws `not-found`, or `conflict` when it is in that state already.
 */
async function switchState(
  context: AdminContext,
  operator: string,
  kind: 'profile' | 'account',
  name: string,
  to: Switch,
  body: ChangeStateBody,
): Promise<ChangeStateAnswer> {
  const { store } = context;
  const registry = await store.state();
  const rows: readonly { name: string; state: Switch }[] = kind === 'profile' ? registry.profiles : registry.accounts;
  const { state } = findByName(rows, kind, name);
  if (state === to) {
    throw new SluiceError('conflict', `The ${kind} ${name} is ${to} already`, {
      facts: { state, what_to_do: 'Nothing to do.' },
    });
  }
  const answer = { name, done: true, proposal: null };
  if (body.dry_run === true) return { ...answer, dry_run: true, epoch: String(registry.epoch), state };
  const change = kind === 'profile' ? store.setProfileState : store.setAccountState;
  const { epoch } = await change(operator, name, to, body.reason);
  return { ...answer, dry_run: false, epoch: String(epoch), state: to };
}

export function switchProfile(
  context: AdminContext,
  operator: string,
  name: string,
  to: Switch,
  body: ChangeStateBody,
): Promise<ChangeStateAnswer> {
  return switchState(context, operator, 'profile', name, to, body);
}

export function switchAccount(
  context: AdminContext,
  operator: string,
  name: string,
  to: Switch,
  body: ChangeStateBody,
): Promise<ChangeStateAnswer> {
  return switchState(context, operator, 'account', name, to, body);
}
