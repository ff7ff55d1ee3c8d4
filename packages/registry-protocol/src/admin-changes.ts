import { subscriberStandings } from '@sluice/issuance';
import { z } from 'zod';
import {
  accountLimitsSchema,
  changed,
  dryRun,
  epoch,
  limitChangesSchema,
  reason,
  sha256,
  text,
  time,
} from './admin-fields.js';
import { epochSchema } from './snapshot.js';

/** The part of the admin API that changes states, and tells who has applied a change. Conventions as in admin-api.ts. */

/** POST /admin/v1/cas/NAME/{disable,enable,retire}, profiles/NAME and accounts/NAME/{disable,enable}, subscribers/NAME/forget */
export const changeStateBodySchema = z.strictObject({ reason, dry_run: dryRun });
export type ChangeStateBody = z.infer<typeof changeStateBodySchema>;

/** POST /admin/v1/cas/NAME/lift-quarantine. Without a token: of the CA and of all its tokens. */
export const liftQuarantineBodySchema = changeStateBodySchema.extend({ token: text(200).optional() });
export type LiftQuarantineBody = z.infer<typeof liftQuarantineBodySchema>;

/** POST /admin/v1/accounts/NAME/limits. What is not named stays. */
export const setLimitsBodySchema = changeStateBodySchema.extend({ limits: limitChangesSchema });
export type SetLimitsBody = z.infer<typeof setLimitsBodySchema>;

/** POST /admin/v1/accounts/NAME/keys */
export const addApiKeyBodySchema = z.strictObject({ dry_run: dryRun });
export type AddApiKeyBody = z.infer<typeof addApiKeyBodySchema>;

/** POST /admin/v1/accounts/NAME/keys/revoke */
export const revokeApiKeyBodySchema = changeStateBodySchema.extend({ api_key_hash: sha256 });
export type RevokeApiKeyBody = z.infer<typeof revokeApiKeyBodySchema>;

/** An act that two operators must want. It is done when another one asks for the same before its time is over. */
export const proposalSchema = z.object({
  /** In the words of the command line: `ca enable`. */
  verb: z.string(),
  /** The CA or the subscriber it is about. */
  subject: z.string(),
  reason: z.string(),
  proposed_by: z.string(),
  /** null in a dry run. */
  expires_at: time.nullable(),
});
export type ProposalView = z.infer<typeof proposalSchema>;

export const changeStateAnswerSchema = z.object({
  ...changed,
  name: z.string(),
  /** As it is now. */
  state: z.string(),
  /** The change is made (in a dry run: would be). false: it waits for another operator, as `proposal` says. */
  done: z.boolean(),
  /** What waits, or what waited and is done by this. */
  proposal: proposalSchema.nullable(),
});
export type ChangeStateAnswer = z.infer<typeof changeStateAnswerSchema>;

export const liftQuarantineAnswerSchema = z.object({
  ...changed,
  name: z.string(),
  /** As it is now. */
  quarantined: z.boolean(),
  quarantined_tokens: z.array(z.string()),
  /** Its requests whose time was up while it was held: on the shelf, and not signed by this. */
  parked: z.number().int(),
});
export type LiftQuarantineAnswer = z.infer<typeof liftQuarantineAnswerSchema>;

export const setLimitsAnswerSchema = z.object({
  ...changed,
  name: z.string(),
  /** As they are now, as far as they are set. */
  limits: accountLimitsSchema,
});
export type SetLimitsAnswer = z.infer<typeof setLimitsAnswerSchema>;

export const addApiKeyAnswerSchema = z.object({
  ...changed,
  name: z.string(),
  /** Shown this once; only its SHA-256 is stored. null in a dry run. */
  api_key: z.string().nullable(),
  api_key_hash: sha256.nullable(),
});
export type AddApiKeyAnswer = z.infer<typeof addApiKeyAnswerSchema>;

export const revokeApiKeyAnswerSchema = z.object({
  ...changed,
  name: z.string(),
  api_key_hash: sha256,
  /** Keys of the account that are in force after it. */
  api_keys_left: z.int(),
});
export type RevokeApiKeyAnswer = z.infer<typeof revokeApiKeyAnswerSchema>;

/** POST /admin/v1/registry/restored. `past`: the highest epoch that any process has applied. */
export const admitRestoreBodySchema = changeStateBodySchema.extend({ past: epochSchema });
export type AdmitRestoreBody = z.infer<typeof admitRestoreBodySchema>;

export const admitRestoreAnswerSchema = z.object({
  ...changed,
  /** The highest epoch that a subscriber told this ledger it has applied. */
  heard_epoch: epoch,
  /** What is refused by subscribers up to now counts for them from now on (in a dry run: would). */
  done: z.boolean(),
  proposal: proposalSchema.nullable(),
});
export type AdmitRestoreAnswer = z.infer<typeof admitRestoreAnswerSchema>;

export const forgetSubscriberAnswerSchema = z.object({
  dry_run: z.boolean(),
  name: z.string(),
  done: z.boolean(),
  proposal: proposalSchema.nullable(),
});
export type ForgetSubscriberAnswer = z.infer<typeof forgetSubscriberAnswerSchema>;

/** A subscriber and how it stands to one version. Without `heard_at` it has said nothing since its enrolment. */
export const subscriberViewSchema = z.object({
  name: z.string(),
  service: z.string(),
  incarnation: z.string(),
  standing: z.enum(subscriberStandings),
  /** Not heard lately, whatever it proved before. */
  silent: z.boolean(),
  /** Proved by this incarnation. */
  acknowledged_epoch: epoch,
  acknowledged_at: time.nullable(),
  /** Said with its lease. */
  applied_epoch: epoch,
  heard_at: time.nullable(),
  /** Its lease, in the ledger itself. */
  renewed_at: time,
  lease_until: time,
  /** The newest version that it refused to act on, and why. */
  refusal: z.object({ epoch, code: z.string(), reason: z.string() }).nullable(),
});
export type SubscriberView = z.infer<typeof subscriberViewSchema>;

/** GET /admin/v1/subscribers: standings for the present epoch. */
export const subscriberListSchema = z.object({
  at: time,
  epoch,
  /** Every subscriber that can act has applied it. */
  confirmed_epoch: epoch,
  subscribers: z.array(subscriberViewSchema),
});
export type SubscriberList = z.infer<typeof subscriberListSchema>;

/** GET /admin/v1/changes/EPOCH: a change and who has applied it. The registry's own processes are not waited for. */
export const changeViewSchema = z.object({
  at: time,
  epoch,
  kind: z.string(),
  subject: z.string(),
  operator: z.string(),
  changed_at: time,
  /** Of work that the change ended, by claims before it; null: there was none, or it ended nothing. */
  last_claim_at: time.nullable(),
  /** Every subscriber below has applied it or is fenced. */
  settled: z.boolean(),
  subscribers: z.array(subscriberViewSchema),
});
export type ChangeView = z.infer<typeof changeViewSchema>;
