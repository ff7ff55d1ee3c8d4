import { requestClasses } from '@sluice/issuance';
import { z } from 'zod';
import { dryRun, nameSchema, reason, time } from './admin-fields.js';

/** The part of the admin API that is about many requests at once. Conventions as in admin-api.ts. */

const maxHoldS = 30 * 86_400;
export const resubmitRates = { min: 1, max: 10_000 } as const;

/** Which requests; what is not named matches everything. */
export const queueFilterSchema = z.strictObject({
  ca: nameSchema.optional(),
  profile: nameSchema.optional(),
  account: nameSchema.optional(),
  class: z.enum(requestClasses).optional(),
  key_group: nameSchema.optional(),
  /** That part of them, by a stable hash of the id: 2/3 contains 1/3. */
  fraction: z.number().gt(0, 'must be above 0').max(1, 'must be at most 1').optional(),
  /** Arrived at least so long ago. */
  older_than_s: z
    .number()
    .positive()
    .max(10 * 365 * 86_400)
    .optional(),
});
export type QueueFilterBody = z.infer<typeof queueFilterSchema>;

const forS = z.int().min(1).max(maxHoldS);
export const laneSchema = z
  .string()
  .regex(
    new RegExp(`^(?:${requestClasses.join('|')})\\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`),
    'must be a lane, class and key group: interactive.default',
  );

/** POST /admin/v1/queue/park */
export const parkBodySchema = z.strictObject({
  filter: queueFilterSchema,
  for_s: forS,
  /** Also when nothing that is queued matches now: it holds what arrives. */
  arriving: z.boolean().optional(),
  /** Said when the filter names nothing, and so matches everything. */
  all: z.boolean().optional(),
  reason,
  dry_run: dryRun,
});
export type ParkBody = z.infer<typeof parkBodySchema>;

/** POST /admin/v1/queue/pause */
export const pauseLaneBodySchema = z.strictObject({ lane: laneSchema, for_s: forS, reason, dry_run: dryRun });
export type PauseLaneBody = z.infer<typeof pauseLaneBodySchema>;

/** POST /admin/v1/queue/resume */
export const resumeLaneBodySchema = z.strictObject({ lane: laneSchema, reason });
export type ResumeLaneBody = z.infer<typeof resumeLaneBodySchema>;

/** POST /admin/v1/queue/resubmit: of a park, by its receipt, or what the filter matches on the shelf. */
export const resubmitBodySchema = z.strictObject({
  receipt: z.uuid().optional(),
  filter: queueFilterSchema,
  states: z
    .array(z.enum(['parked', 'failed', 'expired']))
    .min(1)
    .max(3),
  rate_per_s: z.int().min(resubmitRates.min).max(resubmitRates.max),
  /** As in a park. */
  all: z.boolean().optional(),
  reason,
  dry_run: dryRun,
});
export type ResubmitBody = z.infer<typeof resubmitBodySchema>;

/** POST /admin/v1/receipts/ID/{undo,pause,resume,stop} */
export const receiptActBodySchema = z.strictObject({ reason });
export type ReceiptActBody = z.infer<typeof receiptActBodySchema>;

const queueGroupSchema = z.object({
  state: z.enum(['queued', 'signing', 'parked', 'failed']),
  class: z.enum(requestClasses),
  key_group: z.string(),
  account: z.string(),
  ca: z.string(),
  profile: z.string().nullable(),
  /** Why they are on the shelf. */
  code: z.string().nullable(),
  count: z.int(),
  oldest: time,
});

export const receiptSchema = z.object({
  id: z.uuid(),
  verb: z.enum(['park', 'pause', 'resubmit']),
  state: z.string(),
  operator: z.string(),
  reason: z.string(),
  filter: z.record(z.string(), z.unknown()),
  made_at: time,
  changed_at: time,
  /** Of a hold in force. */
  holds_until: time.nullable(),
  matched: z.int(),
  moved: z.int(),
  passed_over: z.int(),
  returned: z.int(),
  /** Of a resubmission: the park whose requests it brings back. */
  source: z.uuid().nullable(),
  rate_per_s: z.int().nullable(),
  /** Why it does nothing just now. */
  waits_for: z.string().nullable(),
});
export type ReceiptView = z.infer<typeof receiptSchema>;

/** GET /admin/v1/queue: the largest groups of what is open or on the shelf, and the holds in force. */
export const queueSchema = z.object({
  at: time,
  groups: z.array(queueGroupSchema),
  holds: z.array(receiptSchema),
});
export type QueueView = z.infer<typeof queueSchema>;

/** What an act would be about, or was about when it was done. */
export const previewSchema = z.object({
  matched: z.int(),
  /** Of these, how many somebody may be waiting for on a connection: told 202 and `continuing`. */
  waiting: z.int(),
  oldest: time.nullable(),
  by: z.array(z.object({ state: z.string(), class: z.string(), count: z.int(), oldest: time })),
  /** Seconds it takes, about. */
  takes_s: z.number(),
});
export type PreviewView = z.infer<typeof previewSchema>;

export const queueActAnswerSchema = z.object({
  dry_run: z.boolean(),
  preview: previewSchema,
  /** null in a dry run. */
  receipt: receiptSchema.nullable(),
});
export type QueueActAnswer = z.infer<typeof queueActAnswerSchema>;

export const receiptListSchema = z.object({ receipts: z.array(receiptSchema) });
export type ReceiptList = z.infer<typeof receiptListSchema>;

/** GET /admin/v1/receipts/ID */
export const receiptDetailSchema = z.object({
  at: time,
  receipt: receiptSchema,
  /** Of a resubmission: `resubmitted`, or why they were passed over; null: still to come. */
  results: z.array(z.object({ result: z.string().nullable(), count: z.int() })),
});
export type ReceiptDetail = z.infer<typeof receiptDetailSchema>;

/** GET /admin/v1/receipts/ID/results/RESULT, and further .../after/REQUEST_ID */
export const receiptItemsSchema = z.object({
  result: z.string(),
  request_ids: z.array(z.string()),
  next: z.string().nullable(),
});
export type ReceiptItems = z.infer<typeof receiptItemsSchema>;
