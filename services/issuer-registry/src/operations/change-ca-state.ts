import { SluiceError } from '@sluice/errors';
import { type CaState, caTransitions } from '@sluice/issuance';
import type { ChangeStateAnswer, ChangeStateBody } from '@sluice/registry-protocol';
import type { AdminContext } from './admin-context.js';
import { findByName } from './find-by-name.js';
import { decidedView, trialView, waitingProposal } from './two-operators.js';

export type CaVerb = 'disable' | 'enable' | 'retire';

const changes = {
  disable: { verb: 'disableCa', to: 'disabled', from: ['active', 'retiring'] },
  enable: { verb: 'enableCa', to: 'active', from: ['disabled'] },
  retire: { verb: 'retireCa', to: 'retiring', from: ['disabled'] },
} as const satisfies Record<CaVerb, { verb: string; to: CaState; from: readonly CaState[] }>;

/**
 * A CA from one state to another: the safe direction takes one operator, the way back two (`caTransitions`). Of two,
 * the first one's call stores a proposal, good for an hour; the same by another does it. Durable on return; when done,
 * with a new epoch: no claim that starts after it goes by the old state. Throws `not-found`, or `conflict` from a state
 * with no such way and for an operator who proposed it already.
 */
export async function changeCaState(
  context: AdminContext,
  operator: string,
  name: string,
  act: CaVerb,
  body: ChangeStateBody,
): Promise<ChangeStateAnswer> {
  const { store } = context;
  const { verb, to, from } = changes[act];
  const { cas, epoch } = await store.state();
  const { state } = findByName(cas, 'CA', name);
  if (!from.some((possible) => possible === state)) {
    throw new SluiceError('conflict', `${name} is ${state}: only a CA that is ${from.join(' or ')} can be ${to}`, {
      facts: { state, what_to_do: `Nothing to do if it is ${to} already; see sluice ca show ${name}.` },
    });
  }
  const takesTwo = caTransitions[state].some((way) => way.to === to && way.twoPersons);
  const proposed = { verb: `ca ${act}`, subject: name, reason: body.reason };
  const waiting = takesTwo ? await waitingProposal(context, operator, proposed) : undefined;
  if (body.dry_run === true) {
    return { dry_run: true, epoch: String(epoch), name, state, ...trialView(takesTwo, operator, proposed, waiting) };
  }
  // The ledger compares the state again under the CA's lock; what was read above only gives a clearer message.
  const decided = await store[verb](operator, name, body.reason);
  const answer = decidedView(decided, proposed, waiting);
  return { dry_run: false, epoch: String(decided.epoch), name, state: answer.done ? to : state, ...answer };
}
