import { SluiceError } from '@sluice/errors';
import type { ChangeStateBody, ForgetSubscriberAnswer } from '@sluice/registry-protocol';
import type { AdminContext } from './admin-context.js';
import { decidedView, trialView, waitingProposal } from './two-operators.js';

/**
 * Takes a process that is gone for good off the list. Only a fenced one: it can do nothing any more, so that nobody
 * waits for it either way. While a CA is retiring it takes two operators. Throws `not-found`, or `conflict` when it is
 * not fenced.
 */
export async function forgetSubscriber(
  context: AdminContext,
  operator: string,
  name: string,
  { reason, dry_run }: ChangeStateBody,
): Promise<ForgetSubscriberAnswer> {
  const { store } = context;
  const row = (await store.subscribers()).find((subscriber) => subscriber.name === name);
  if (row === undefined) {
    throw new SluiceError('not-found', `There is no subscriber named ${name}`, {
      facts: { what_to_do: 'List what there is: sluice subscribers.' },
    });
  }
  if (!row.fenced) {
    throw new SluiceError('conflict', `${name} is not fenced: it may still act`, {
      facts: { what_to_do: `Stop it; it is fenced when its lease is out, at ${row.leaseUntil.toISOString()}.` },
    });
  }
  const { cas } = await store.state();
  const takesTwo = cas.some(({ state }) => state === 'retiring' || state === 'destroying');
  const act = { verb: 'subscribers forget', subject: name, reason };
  const waiting = takesTwo ? await waitingProposal(context, operator, act) : undefined;
  if (dry_run === true) return { dry_run: true, name, ...trialView(takesTwo, operator, act, waiting) };
  return { dry_run: false, name, ...decidedView(await store.forgetSubscriber(operator, name, reason), act, waiting) };
}
