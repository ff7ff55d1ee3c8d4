import { SluiceError } from '@sluice/errors';
import { requestIdPattern } from '@sluice/ledger';
import * as protocol from '@sluice/registry-protocol';
import type { Request } from 'express';
import { applyProfile } from '../operations/apply-profile.js';
import { auditRange, auditStart } from '../operations/audit.js';
import { blockKey, listBlockedKeys } from '../operations/block-key.js';
import { createAccount } from '../operations/create-account.js';
import { createCa } from '../operations/create-ca.js';
import { readStatus } from '../operations/read-status.js';
import { listAccounts, listCas, listProfiles, showAccount, showCa, showProfile } from '../operations/show-registry.js';
import { why } from '../operations/why.js';
import { type AdminRoute, act, look, nameIn } from './admin-route.js';
import { changeRoutes } from './change-routes.js';
import { queueRoutes } from './queue-routes.js';

function requestIdIn(request: Request): string {
  const id = String(request.params.id).toLowerCase();
  if (requestIdPattern.test(id)) return id;
  throw new SluiceError('id-invalid');
}

/** The whole admin API. */
export const adminRoutes: readonly AdminRoute[] = [
  look({
    path: '/admin/v1/status',
    summary: 'What ages, what floods, who lags, and what to do next',
    answer: protocol.statusSchema,
    run: (context) => readStatus(context),
  }),
  look({
    path: '/admin/v1/requests/:id',
    summary: 'The whole life of a request',
    answer: protocol.whySchema,
    run: (context, request) => why(context, requestIdIn(request)),
  }),
  look({
    path: '/admin/v1/audit',
    summary: 'What the live audit has to look at, and what it can say without',
    answer: protocol.auditStartSchema,
    run: (context) => auditStart(context),
  }),
  look({
    path: '/admin/v1/audit/:id',
    summary: 'The invariants of a bounded range of requests, from that id on',
    answer: protocol.auditRangeSchema,
    run: (context, request) => auditRange(context, requestIdIn(request)),
  }),

  look({
    path: '/admin/v1/cas',
    summary: 'All CAs',
    answer: protocol.caListSchema,
    run: (context) => listCas(context),
  }),
  look({
    path: '/admin/v1/cas/:name',
    summary: 'One CA',
    answer: protocol.caViewSchema,
    run: (context, request) => showCa(context, nameIn(request)),
  }),
  act({
    path: '/admin/v1/cas',
    summary: 'Make a CA: its key and certificate are then made by a signer',
    body: protocol.createCaBodySchema,
    answer: protocol.createCaAnswerSchema,
    run: createCa,
  }),

  look({
    path: '/admin/v1/profiles',
    summary: 'All profiles',
    answer: protocol.profileListSchema,
    run: (context) => listProfiles(context),
  }),
  look({
    path: '/admin/v1/profiles/:name',
    summary: 'One profile, as its current revision says',
    answer: protocol.profileViewSchema,
    run: (context, request) => showProfile(context, nameIn(request)),
  }),
  act({
    path: '/admin/v1/profiles',
    summary: 'Make a profile, or its next revision',
    body: protocol.applyProfileBodySchema,
    answer: protocol.applyProfileAnswerSchema,
    run: applyProfile,
  }),

  look({
    path: '/admin/v1/accounts',
    summary: 'All accounts',
    answer: protocol.accountListSchema,
    run: (context) => listAccounts(context),
  }),
  look({
    path: '/admin/v1/accounts/:name',
    summary: 'One account',
    answer: protocol.accountViewSchema,
    run: (context, request) => showAccount(context, nameIn(request)),
  }),
  act({
    path: '/admin/v1/accounts',
    summary: 'Make an account; its API key is shown this once',
    body: protocol.createAccountBodySchema,
    answer: protocol.createAccountAnswerSchema,
    run: createAccount,
  }),

  ...changeRoutes,
  ...queueRoutes,

  look({
    path: '/admin/v1/blocked-keys',
    summary: 'The keys that were blocked last',
    answer: protocol.blockedKeyListSchema,
    run: (context) => listBlockedKeys(context),
  }),
  act({
    path: '/admin/v1/blocked-keys',
    summary: 'Block a public key, for good',
    body: protocol.blockKeyBodySchema,
    answer: protocol.blockKeyAnswerSchema,
    run: blockKey,
  }),
];
