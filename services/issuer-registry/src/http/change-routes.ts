import { SluiceError } from '@sluice/errors';
import * as protocol from '@sluice/registry-protocol';
import type { Request } from 'express';
import { admitRestore } from '../operations/admit-restore.js';
import { addApiKey, revokeApiKey } from '../operations/api-keys.js';
import { type CaVerb, changeCaState } from '../operations/change-ca-state.js';
import { forgetSubscriber } from '../operations/forget-subscriber.js';
import { liftQuarantine } from '../operations/lift-quarantine.js';
import { setAccountLimits } from '../operations/set-account-limits.js';
import { listSubscribers, showChange } from '../operations/show-subscribers.js';
import { switchAccount, switchProfile } from '../operations/switch-state.js';
import { type AdminRoute, act, look, nameIn } from './admin-route.js';

function epochIn(request: Request): bigint {
  const text = String(request.params.epoch);
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw new SluiceError('not-found', 'No change has that epoch', { facts: { what_to_do: 'Give a number.' } });
}

const caVerbs: readonly CaVerb[] = ['disable', 'enable', 'retire'];
const switches = { enable: 'enabled', disable: 'disabled' } as const;
const switchVerbs = ['enable', 'disable'] as const;

const stateChange = { body: protocol.changeStateBodySchema, answer: protocol.changeStateAnswerSchema } as const;
const caSummaries: Readonly<Record<CaVerb, string>> = {
  disable: 'Stop a CA from signing for subscribers; out of retirement it takes two operators',
  enable: 'Let a disabled CA sign for subscribers again: takes two operators',
  retire: 'Begin the end of a disabled CA',
};

/** The part of the admin API that changes states, and tells who has applied a change. */
export const changeRoutes: readonly AdminRoute[] = [
  ...caVerbs.map((verb) =>
    act({
      ...stateChange,
      path: `/admin/v1/cas/:name/${verb}`,
      summary: caSummaries[verb],
      run: (context, operator, body, request) => changeCaState(context, operator, nameIn(request), verb, body),
    }),
  ),
  act({
    path: '/admin/v1/cas/:name/lift-quarantine',
    summary: 'Let the held work of a CA be signed again',
    body: protocol.liftQuarantineBodySchema,
    answer: protocol.liftQuarantineAnswerSchema,
    run: (context, operator, body, request) => liftQuarantine(context, operator, nameIn(request), body),
  }),

  ...switchVerbs.flatMap((verb) => [
    act({
      ...stateChange,
      path: `/admin/v1/profiles/:name/${verb}`,
      summary: `A profile is ${switches[verb]}`,
      run: (context, operator, body, request) =>
        switchProfile(context, operator, nameIn(request), switches[verb], body),
    }),
    act({
      ...stateChange,
      path: `/admin/v1/accounts/:name/${verb}`,
      summary: `An account is ${switches[verb]}`,
      run: (context, operator, body, request) =>
        switchAccount(context, operator, nameIn(request), switches[verb], body),
    }),
  ]),
  act({
    path: '/admin/v1/accounts/:name/limits',
    summary: 'What an account may ask for in a second and in a day',
    body: protocol.setLimitsBodySchema,
    answer: protocol.setLimitsAnswerSchema,
    run: (context, operator, body, request) => setAccountLimits(context, operator, nameIn(request), body),
  }),
  act({
    path: '/admin/v1/accounts/:name/keys',
    summary: 'One more API key for an account, shown this once',
    body: protocol.addApiKeyBodySchema,
    answer: protocol.addApiKeyAnswerSchema,
    run: (context, operator, body, request) => addApiKey(context, operator, nameIn(request), body),
  }),
  act({
    path: '/admin/v1/accounts/:name/keys/revoke',
    summary: 'An API key is worth nothing any more, for good',
    body: protocol.revokeApiKeyBodySchema,
    answer: protocol.revokeApiKeyAnswerSchema,
    run: (context, operator, body, request) => revokeApiKey(context, operator, nameIn(request), body),
  }),

  look({
    path: '/admin/v1/subscribers',
    summary: 'Who acts on the registry, and which version of it each has applied',
    answer: protocol.subscriberListSchema,
    run: (context) => listSubscribers(context),
  }),
  act({
    path: '/admin/v1/subscribers/:name/forget',
    summary: 'Take a fenced subscriber off the list; while a CA is retiring it takes two operators',
    body: protocol.changeStateBodySchema,
    answer: protocol.forgetSubscriberAnswerSchema,
    run: (context, operator, body, request) => forgetSubscriber(context, operator, nameIn(request), body),
  }),
  act({
    path: '/admin/v1/registry/restored',
    summary:
      'Let a database that was put back to an older state count for subscribers that are ahead of it: takes two operators',
    body: protocol.admitRestoreBodySchema,
    answer: protocol.admitRestoreAnswerSchema,
    run: admitRestore,
  }),
  look({
    path: '/admin/v1/changes/:epoch',
    summary: 'A change, and who has applied it',
    answer: protocol.changeViewSchema,
    run: (context, request) => showChange(context, epochIn(request)),
  }),
];
