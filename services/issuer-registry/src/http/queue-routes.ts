import { SluiceError } from '@sluice/errors';
import * as protocol from '@sluice/registry-protocol';
import type { Request } from 'express';
import { actOn, park, pauseLane, type ReceiptVerb, resubmit, resumeLane } from '../operations/queue-acts.js';
import { listReceiptItems, listReceipts, showQueue, showReceipt } from '../operations/show-queue.js';
import { type AdminRoute, act, look } from './admin-route.js';

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
const resultIn = (request: Request): string => partIn(request, 'result', resultWord);

const receiptSummaries: Readonly<Record<ReceiptVerb, string>> = {
  undo: 'Lift a hold; what was set aside because of it comes back',
  pause: 'Let a resubmission rest',
  resume: 'Let a resubmission go on',
  stop: 'End a resubmission; what it did not come to stays on the shelf',
};
const receiptVerbs = Object.keys(receiptSummaries) as ReceiptVerb[];
const results = '/admin/v1/receipts/:id/results/:result';

/** The part of the admin API that is about many requests at once. */
export const queueRoutes: readonly AdminRoute[] = [
  look({
    path: '/admin/v1/queue',
    summary: 'The largest groups of what is open or on the shelf, and what is held',
    answer: protocol.queueSchema,
    run: (context) => showQueue(context),
  }),
  act({
    path: '/admin/v1/queue/park',
    summary: 'Hold requests at once, and set them aside',
    body: protocol.parkBodySchema,
    answer: protocol.queueActAnswerSchema,
    run: park,
  }),
  act({
    path: '/admin/v1/queue/pause',
    summary: 'Hold a lane where it is',
    body: protocol.pauseLaneBodySchema,
    answer: protocol.queueActAnswerSchema,
    run: pauseLane,
  }),
  act({
    path: '/admin/v1/queue/resume',
    summary: 'Let a paused lane go on',
    body: protocol.resumeLaneBodySchema,
    answer: protocol.receiptSchema,
    run: resumeLane,
  }),
  act({
    path: '/admin/v1/queue/resubmit',
    summary: 'Bring requests back from the shelf, each checked again, at a pace',
    body: protocol.resubmitBodySchema,
    answer: protocol.queueActAnswerSchema,
    run: resubmit,
  }),
  look({
    path: '/admin/v1/receipts',
    summary: 'The newest bulk acts',
    answer: protocol.receiptListSchema,
    run: (context) => listReceipts(context),
  }),
  look({
    path: '/admin/v1/receipts/:id',
    summary: 'One bulk act, and how far it is',
    answer: protocol.receiptDetailSchema,
    run: (context, request) => showReceipt(context, idIn(request)),
  }),
  look({
    path: results,
    summary: 'The requests of a resubmission with that result',
    answer: protocol.receiptItemsSchema,
    run: (context, request) => listReceiptItems(context, idIn(request), resultIn(request), undefined),
  }),
  look({
    path: `${results}/after/:after`,
    summary: 'The same, from behind that request on',
    answer: protocol.receiptItemsSchema,
    run: (context, request) =>
      listReceiptItems(context, idIn(request), resultIn(request), partIn(request, 'after', uuid)),
  }),
  ...receiptVerbs.map((verb) =>
    act({
      path: `/admin/v1/receipts/:id/${verb}`,
      summary: receiptSummaries[verb],
      body: protocol.receiptActBodySchema,
      answer: protocol.receiptSchema,
      run: (context, operator, body, request) => actOn(context, operator, idIn(request), verb, body),
    }),
  ),
];
