import { caStates, requestClasses } from '@sluice/issuance';
import { z } from 'zod';
import { proposalSchema, subscriberViewSchema } from './admin-changes.js';
import { epoch, time } from './admin-fields.js';
import { subscriberReportSchema } from './subscriber-report.js';

/** Open and shelved work of one class for one CA. */
const workSchema = z.object({
  class: z.enum(requestClasses),
  key_group: z.string(),
  ca: z.string(),
  queued: z.int(),
  signing: z.int(),
  /** Of what is queued: kept from signers by a rule or a quarantine. */
  held: z.int(),
  parked: z.int(),
  failed: z.int(),
  /** Of the oldest that a signer may claim: neither held nor shelved. 0: there is none. */
  oldest_age_ms: z.number(),
  /** Over the last half minute; null until the registry has looked twice. */
  arrivals_per_second: z.number().nullable(),
  drained_per_second: z.number().nullable(),
  /** What is ahead of new work, at the speed of the last half minute; null: not known, or nothing is signed. */
  predicted_wait_ms: z.int().nullable(),
  /** The account with the most open work here. */
  top_account: z.string().nullable(),
  top_open: z.int(),
});

/** What comes again and again and fails, by CA, account and code. */
const floodSchema = z.object({
  /** Empty where a front end refused before it knew. */
  ca: z.string(),
  account: z.string(),
  code: z.string(),
  per_minute: z.number(),
  /** Refused by the front ends, with nothing stored; or accepted, and ended so in the ledger. */
  from: z.enum(['front-ends', 'ledger']),
});

/** What holds work or clients back at this moment, because it was made to. */
const guardSchema = z.object({
  guard: z.enum(['admission', 'rate-limit', 'breaker', 'hold', 'quarantine']),
  subject: z.string(),
  detail: z.string(),
});

/** GET /admin/v1/status: what `sluice status` shows on one screen. */
export const statusSchema = z.object({
  /** The registry process that answered. */
  registry: z.string(),
  at: time,
  epoch,
  cas: z.array(
    z.object({
      name: z.string(),
      state: z.enum(caStates),
      quarantined: z.boolean(),
      /** Tokens on which its key is missing; its work is held there and done on others. */
      quarantined_tokens: z.array(z.string()),
      key_group: z.string(),
      key_algorithm: z.string(),
      issuer: z.string(),
      not_after: time.nullable(),
    }),
  ),
  /** Counted at most some seconds ago; the longest wait first. */
  work: z.array(workSchema),
  /** The worst first, at most five. */
  floods: z.array(floodSchema),
  guards: z.array(guardSchema),
  /** Dead rows of the work table, and what keeps them there. */
  vacuum: z.object({
    dead_rows: z.int(),
    /** 0: there is none. */
    oldest_transaction_ms: z.number(),
    held_by: z.string().nullable(),
  }),
  subscribers: z.array(
    subscriberViewSchema.extend({
      /** As of `renewed_at`; null when it said nothing that can be shown. */
      report: subscriberReportSchema.nullable(),
    }),
  ),
  /** How requests ended that were accepted since `ends_since`: ten minutes ago, or less when there are many. */
  ends_since: time,
  recent_ends: z.array(z.object({ state: z.string(), code: z.string().nullable(), count: z.int() })),
  /** Acts that wait for a second operator. */
  proposals: z.array(proposalSchema),
  /** What an operator should do next, most pressing first; empty when all is well. */
  next_steps: z.array(z.string()),
});
export type Status = z.infer<typeof statusSchema>;
