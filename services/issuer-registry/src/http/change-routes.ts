import { SluiceError } from '@sluice/errors';
import {
  addApiKeyBodySchema,
  changeStateBodySchema,
  liftQuarantineBodySchema,
  revokeApiKeyBodySchema,
  setLimitsBodySchema,
} from '@sluice/registry-protocol';
import type { Request } from 'express';
import { addApiKey, revokeApiKey } from '../operations/api-keys.js';
import { type CaVerb, changeCaState } from '../operations/change-ca-state.js';
import { forgetSubscriber } from '../operations/forget-subscriber.js';
import { liftQuarantine } from '../operations/lift-quarantine.js';
import { setAccountLimits } from '../operations/set-account-limits.js';
import { listSubscribers, showChange } from '../operations/show-subscribers.js';
import { switchAccount, switchProfile } from '../operations/switch-state.js';
import { type AdminRoute, nameIn } from './admin-route.js';
import { parseBody } from './body.js';

function epochIn(request: Request): bigint {
  const text = String(request.params.epoch);
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw new SluiceError('not-found', 'No change has that epoch', { facts: { what_to_do: 'Give a number.' } });
}

const caVerbs: readonly CaVerb[] = ['disable', 'enable', 'retire'];
const switches = { enable: 'enabled', disable: 'disabled' } as const;
const switchVerbs = ['enable', 'disable'] as const;

/** The part of the admin API that changes states, and tells who has applied a change. */
export const changeRoutes: readonly AdminRoute[] = [
  ...caVerbs.map(
    (verb): AdminRoute => ({
      method: 'post',
      path: `/admin/v1/cas/:name/${verb}`,
      run: (context, operator, request) =>
        changeCaState(context, operator, nameIn(request), verb, parseBody(request, changeStateBodySchema)),
    }),
  ),
  {
    method: 'post',
    path: '/admin/v1/cas/:name/lift-quarantine',
    run: (context, operator, request) =>
      liftQuarantine(context, operator, nameIn(request), parseBody(request, liftQuarantineBodySchema)),
  },

  ...switchVerbs.flatMap((verb): AdminRoute[] => [
    {
      method: 'post',
      path: `/admin/v1/profiles/:name/${verb}`,
      run: (context, operator, request) =>
        switchProfile(context, operator, nameIn(request), switches[verb], parseBody(request, changeStateBodySchema)),
    },
    {
      method: 'post',
      path: `/admin/v1/accounts/:name/${verb}`,
      run: (context, operator, request) =>
        switchAccount(context, operator, nameIn(request), switches[verb], parseBody(request, changeStateBodySchema)),
    },
  ]),
  {
    method: 'post',
    path: '/admin/v1/accounts/:name/limits',
    run: (context, operator, request) =>
      setAccountLimits(context, operator, nameIn(request), parseBody(request, setLimitsBodySchema)),
  },
  {
    method: 'post',
    path: '/admin/v1/accounts/:name/keys',
    run: (context, operator, request) =>
      addApiKey(context, operator, nameIn(request), parseBody(request, addApiKeyBodySchema)),
  },
  {
    method: 'post',
    path: '/admin/v1/accounts/:name/keys/revoke',
    run: (context, operator, request) =>
      revokeApiKey(context, operator, nameIn(request), parseBody(request, revokeApiKeyBodySchema)),
  },

  { method: 'get', path: '/admin/v1/subscribers', run: (context) => listSubscribers(context) },
  {
    method: 'post',
    path: '/admin/v1/subscribers/:name/forget',
    run: (context, operator, request) =>
      forgetSubscriber(context, operator, nameIn(request), parseBody(request, changeStateBodySchema)),
  },
  {
    method: 'get',
    path: '/admin/v1/changes/:epoch',
    run: (context, _, request) => showChange(context, epochIn(request)),
  },
];
