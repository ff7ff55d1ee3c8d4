import { SluiceError } from '@sluice/errors';
import { requestIdPattern } from '@sluice/ledger';
import {
  applyProfileBodySchema,
  blockKeyBodySchema,
  createAccountBodySchema,
  createCaBodySchema,
} from '@sluice/registry-protocol';
import type { Request } from 'express';
import { applyProfile } from '../operations/apply-profile.js';
import { auditRange, auditStart } from '../operations/audit.js';
import { blockKey, listBlockedKeys } from '../operations/block-key.js';
import { createAccount } from '../operations/create-account.js';
import { createCa } from '../operations/create-ca.js';
import { readStatus } from '../operations/read-status.js';
import { listAccounts, listCas, listProfiles, showAccount, showCa, showProfile } from '../operations/show-registry.js';
import { why } from '../operations/why.js';
import { type AdminRoute, nameIn } from './admin-route.js';
import { parseBody } from './body.js';
import { changeRoutes } from './change-routes.js';
import { queueRoutes } from './queue-routes.js';

function requestIdIn(request: Request): string {
  const id = String(request.params.id).toLowerCase();
  if (requestIdPattern.test(id)) return id;
  throw new SluiceError('id-invalid');
}

/** The whole admin API. */
export const adminRoutes: readonly AdminRoute[] = [
  { method: 'get', path: '/admin/v1/status', run: (context) => readStatus(context) },
  { method: 'get', path: '/admin/v1/requests/:id', run: (context, _, request) => why(context, requestIdIn(request)) },

  { method: 'get', path: '/admin/v1/audit', run: (context) => auditStart(context) },
  {
    method: 'get',
    path: '/admin/v1/audit/:id',
    run: (context, _, request) => auditRange(context, requestIdIn(request)),
  },

  { method: 'get', path: '/admin/v1/cas', run: (context) => listCas(context) },
  { method: 'get', path: '/admin/v1/cas/:name', run: (context, _, request) => showCa(context, nameIn(request)) },
  {
    method: 'post',
    path: '/admin/v1/cas',
    run: (context, operator, request) => createCa(context, operator, parseBody(request, createCaBodySchema)),
  },

  { method: 'get', path: '/admin/v1/profiles', run: (context) => listProfiles(context) },
  {
    method: 'get',
    path: '/admin/v1/profiles/:name',
    run: (context, _, request) => showProfile(context, nameIn(request)),
  },
  {
    method: 'post',
    path: '/admin/v1/profiles',
    run: (context, operator, request) => applyProfile(context, operator, parseBody(request, applyProfileBodySchema)),
  },

  { method: 'get', path: '/admin/v1/accounts', run: (context) => listAccounts(context) },
  {
    method: 'get',
    path: '/admin/v1/accounts/:name',
    run: (context, _, request) => showAccount(context, nameIn(request)),
  },
  {
    method: 'post',
    path: '/admin/v1/accounts',
    run: (context, operator, request) => createAccount(context, operator, parseBody(request, createAccountBodySchema)),
  },

  ...changeRoutes,
  ...queueRoutes,

  { method: 'get', path: '/admin/v1/blocked-keys', run: (context) => listBlockedKeys(context) },
  {
    method: 'post',
    path: '/admin/v1/blocked-keys',
    run: (context, operator, request) => blockKey(context, operator, parseBody(request, blockKeyBodySchema)),
  },
];
