import { SluiceError } from '@sluice/errors';
import {
  parkBodySchema,
  pauseLaneBodySchema,
  receiptActBodySchema,
  resubmitBodySchema,
  resumeLaneBodySchema,
} from '@sluice/registry-protocol';
import type { Request } from 'express';
import { actOn, park, pauseLane, type ReceiptVerb, resubmit, resumeLane } from '../operations/queue-acts.js';
import { listReceiptItems, listReceipts, showQueue, showReceipt } from '../operations/show-queue.js';
import type { AdminRoute } from './admin-route.js';
import { parseBody } from './body.js';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const resultWord = /^[a-z-]{1,40}$/;

function partIn(request: Request, name: 'id' | 'after' | 'result', pattern: RegExp): string {
  const part = String(request.params[name]).toLowerCase();
  if (pattern.test(part)) return part;
  throw new SluiceError('not-found', 'No receipt has that id', {
    facts: { what_to_do: 'List them: sluice queue receipts.' },
  });
}
const idIn = (request: Request): string => partIn(request, 'id', uuid);

const receiptVerbs: readonly ReceiptVerb[] = ['undo', 'pause', 'resume', 'stop'];
const results = '/admin/v1/receipts/:id/results/:result';

/** The part of the admin API that is about many requests at once. */
export const queueRoutes: readonly AdminRoute[] = [
  { method: 'get', path: '/admin/v1/queue', run: (context) => showQueue(context) },
  {
    method: 'post',
    path: '/admin/v1/queue/park',
    run: (context, operator, request) => park(context, operator, parseBody(request, parkBodySchema)),
  },
  {
    method: 'post',
    path: '/admin/v1/queue/pause',
    run: (context, operator, request) => pauseLane(context, operator, parseBody(request, pauseLaneBodySchema)),
  },
  {
    method: 'post',
    path: '/admin/v1/queue/resume',
    run: (context, operator, request) => resumeLane(context, operator, parseBody(request, resumeLaneBodySchema)),
  },
  {
    method: 'post',
    path: '/admin/v1/queue/resubmit',
    run: (context, operator, request) => resubmit(context, operator, parseBody(request, resubmitBodySchema)),
  },
  { method: 'get', path: '/admin/v1/receipts', run: (context) => listReceipts(context) },
  { method: 'get', path: '/admin/v1/receipts/:id', run: (context, _, request) => showReceipt(context, idIn(request)) },
  {
    method: 'get',
    path: results,
    run: (context, _, request) =>
      listReceiptItems(context, idIn(request), partIn(request, 'result', resultWord), undefined),
  },
  {
    method: 'get',
    path: `${results}/after/:after`,
    run: (context, _, request) =>
      listReceiptItems(context, idIn(request), partIn(request, 'result', resultWord), partIn(request, 'after', uuid)),
  },
  ...receiptVerbs.map(
    (verb): AdminRoute => ({
      method: 'post',
      path: `/admin/v1/receipts/:id/${verb}`,
      run: (context, operator, request) =>
        actOn(context, operator, idIn(request), verb, parseBody(request, receiptActBodySchema)),
    }),
  ),
];
