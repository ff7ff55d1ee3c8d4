import { caStates } from '@sluice/issuance';
import { caKeyKinds, subjectDnSchema } from '@sluice/pki';
import { z } from 'zod';
import {
  accountLimitsSchema,
  changed,
  dryRun,
  epoch,
  hex,
  nameSchema,
  reason,
  sha256,
  text,
  time,
} from './admin-fields.js';

/**
 * The admin API: what the registry takes and answers, and what the command line sends and shows. JSON members are
 * snake_case, epochs are decimal text (they are 64-bit), times are ISO 8601, bytes are lower-case hex unless named PEM.
 */

/** Algorithms a CA key may have. */
export const caKeyAlgorithms = caKeyKinds;

/** POST /admin/v1/cas. An issued CA names a profile of its issuer; a root brings the profile it signs itself by. */
export const createCaBodySchema = z
  .strictObject({
    name: nameSchema,
    key_group: nameSchema,
    key_algorithm: z.enum(caKeyAlgorithms),
    subject_dn: subjectDnSchema,
    /** null for a root. */
    issuer: nameSchema.nullable(),
    profile: nameSchema.optional(),
    /** YAML. */
    self_profile: text(32_768).optional(),
    dry_run: dryRun,
  })
  .refine((body) => (body.issuer === null) === (body.self_profile !== undefined), {
    path: ['self_profile'],
    message: 'a root (issuer null) brings self_profile; any other CA does not',
  })
  .refine((body) => (body.issuer !== null) === (body.profile !== undefined), {
    path: ['profile'],
    message: 'a CA with an issuer names a profile of that issuer; a root does not',
  });
export type CreateCaBody = z.infer<typeof createCaBodySchema>;

/** POST /admin/v1/profiles */
export const applyProfileBodySchema = z.strictObject({ document: text(32_768), dry_run: dryRun });
export type ApplyProfileBody = z.infer<typeof applyProfileBodySchema>;

/** POST /admin/v1/accounts */
export const createAccountBodySchema = z.strictObject({
  name: nameSchema,
  profiles: z.array(nameSchema).max(100),
  /** What is not named is as by default. */
  limits: accountLimitsSchema.optional(),
  dry_run: dryRun,
});
export type CreateAccountBody = z.infer<typeof createAccountBodySchema>;

/** POST /admin/v1/blocked-keys */
export const blockKeyBodySchema = z.strictObject({
  spki_sha256: sha256,
  reason,
  dry_run: dryRun,
});
export type BlockKeyBody = z.infer<typeof blockKeyBodySchema>;

export const caViewSchema = z.object({
  name: z.string(),
  key_group: z.string(),
  state: z.enum(caStates),
  quarantined: z.boolean(),
  quarantined_tokens: z.array(z.string()),
  key_algorithm: z.string(),
  subject_dn: z.record(z.string(), z.unknown()),
  /** Itself for a root. */
  issuer: z.string(),
  certificate_profile: z.string(),
  /** SHA-256 of the SubjectPublicKeyInfo; null until the key is generated. */
  spki_sha256: hex.nullable(),
  /** null until certified. */
  certificate_pem: z.string().nullable(),
  serial: hex.nullable(),
  not_before: time.nullable(),
  not_after: time.nullable(),
  epoch,
  created_at: time,
});
export type CaView = z.infer<typeof caViewSchema>;

/** GET /admin/v1/cas/NAME */
export const caDetailSchema = caViewSchema.extend({
  /** What waits for it, all classes together. */
  work: z.object({
    queued: z.int(),
    signing: z.int(),
    /** Of what is queued: kept from signers by a rule or a quarantine. */
    held: z.int(),
    /** On the shelf: held until its time was up, and waiting for a person. */
    parked: z.int(),
    /** On the shelf: its attempts are used up. */
    failed: z.int(),
  }),
});
export type CaDetail = z.infer<typeof caDetailSchema>;

export const profileViewSchema = z.object({
  name: z.string(),
  ca: z.string(),
  purpose: z.string(),
  state: z.enum(['enabled', 'disabled']),
  revision: z.int(),
  document: z.record(z.string(), z.unknown()),
  epoch,
  created_at: time,
});
export type ProfileView = z.infer<typeof profileViewSchema>;

export const accountViewSchema = z.object({
  name: z.string(),
  state: z.enum(['enabled', 'disabled']),
  profiles: z.array(z.string()),
  /** SHA-256 of each API key in force. */
  api_key_hashes: z.array(hex),
  /** As far as they are set. */
  limits: accountLimitsSchema.default({}),
  epoch,
  created_at: time,
});
export type AccountView = z.infer<typeof accountViewSchema>;

/** A rule that certificates by a profile would not keep, though they need not: what a linter advises. */
export const profileWarningSchema = z.object({
  rule: z.string(),
  /** Document and section that make the rule: "RFC 5280 4.2.1.2". */
  source: z.string(),
  /** Place in the certificate: "extensions.keyUsage". */
  path: z.string(),
  detail: z.string(),
});
export type ProfileWarning = z.infer<typeof profileWarningSchema>;

export const createCaAnswerSchema = z.object({
  ...changed,
  name: z.string(),
  issuer: z.string(),
  certificate_profile: z.string(),
  key_group: z.string(),
  key_algorithm: z.string(),
  /** About the profile of a root. */
  warnings: z.array(profileWarningSchema).default([]),
});
export type CreateCaAnswer = z.infer<typeof createCaAnswerSchema>;

export const applyProfileAnswerSchema = z.object({
  ...changed,
  name: z.string(),
  ca: z.string(),
  /** The revision now in force; in a dry run the one that would be. */
  revision: z.int(),
  /** The document equals the revision in force: nothing changed. */
  unchanged: z.boolean(),
  warnings: z.array(profileWarningSchema).default([]),
});
export type ApplyProfileAnswer = z.infer<typeof applyProfileAnswerSchema>;

export const createAccountAnswerSchema = z.object({
  ...changed,
  name: z.string(),
  profiles: z.array(z.string()),
  /** Shown this once; only its SHA-256 is stored. null in a dry run. */
  api_key: z.string().nullable(),
});
export type CreateAccountAnswer = z.infer<typeof createAccountAnswerSchema>;

export const blockKeyAnswerSchema = z.object({
  ...changed,
  spki_sha256: hex,
  /** It was on the list before. */
  unchanged: z.boolean(),
});
export type BlockKeyAnswer = z.infer<typeof blockKeyAnswerSchema>;

/** GET /admin/v1/blocked-keys: how many there are, and the last ones, the last one first. */
export const blockedKeyListSchema = z.object({
  epoch,
  count: z.int(),
  blocked_keys: z.array(
    z.object({ spki_sha256: hex, reason: z.string(), blocked_by: z.string(), blocked_at: time, epoch }),
  ),
});
export type BlockedKeyList = z.infer<typeof blockedKeyListSchema>;

export const caListSchema = z.object({ epoch, cas: z.array(caViewSchema) });
export const profileListSchema = z.object({ epoch, profiles: z.array(profileViewSchema) });
export const accountListSchema = z.object({ epoch, accounts: z.array(accountViewSchema) });

/** GET /admin/v1/requests/ID: everything stored about one request, for `sluice why`. */
export const whySchema = z.object({
  request_id: z.string(),
  account: z.string(),
  profile: z.string(),
  profile_revision: z.int(),
  ca: z.string(),
  purpose: z.string(),
  class: z.string(),
  key_group: z.string(),
  fingerprint: z.string(),
  /** Canonical JSON of what was asked for. */
  content: z.string(),
  state: z.string(),
  accepted_at: time,
  deadline: z.string().nullable(),
  code: z.string().nullable(),
  detail: z.string().nullable(),
  /** For `expired`: a serial was burned for it. */
  withheld: z.boolean().nullable(),
  serial: hex.nullable(),
  not_before: time.nullable(),
  not_after: time.nullable(),
  certificate_pem: z.string().nullable(),
  attempts: z.array(
    z.object({
      attempt: z.int(),
      serial: z.string(),
      serial_state: z.string(),
      signer: z.string(),
      claimed_at: z.string(),
      lease_until: z.string(),
      profile_revision: z.int(),
      epoch,
    }),
  ),
  events: z.array(
    z.object({
      at: z.string(),
      kind: z.string(),
      attempt: z.int().nullable(),
      actor: z.string(),
      detail: z.record(z.string(), z.unknown()),
    }),
  ),
});
export type Why = z.infer<typeof whySchema>;

/** An invariant of the ledger, and for how many of the rows looked at it did not hold. */
export const auditFindingSchema = z.object({
  invariant: z.string(),
  /** What must hold, in words. */
  says: z.string(),
  checked: z.int(),
  found: z.int(),
  /** The first 20 of those found. */
  rows: z.array(z.string()),
});
export type AuditFindingView = z.infer<typeof auditFindingSchema>;

/** GET /admin/v1/audit: what there is to look at, and what can be said without reading it. */
export const auditStartSchema = z.object({
  registry: z.string(),
  at: time,
  /** The first id of the last ten minutes. */
  recent_from: z.string(),
  /** null: nothing was ever accepted. */
  oldest_request: z.string().nullable(),
  /** From the planner's statistics: for an estimate of the time only. */
  requests_estimated: z.int(),
  findings: z.array(auditFindingSchema),
});
export type AuditStart = z.infer<typeof auditStartSchema>;

/** GET /admin/v1/audit/ID: a bounded range of requests from that id on, in one snapshot. */
export const auditRangeSchema = z.object({
  /** Where to go on; null at the end. */
  next: z.string().nullable(),
  findings: z.array(auditFindingSchema),
});
export type AuditRange = z.infer<typeof auditRangeSchema>;
