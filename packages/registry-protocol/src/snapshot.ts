import { accountLimitMax, caStates } from '@sluice/issuance';
import { z } from 'zod';

const base64 = z.base64();

/** Octets of a blocked key's hash. */
export const spkiSha256Bytes = 32;

/** The ledger's bigint. */
const epochMax = 2n ** 63n - 1n;

/** Decimal text of what fits the ledger's bigint. */
export const epochSchema = z
  .string()
  .regex(/^(0|[1-9]\d{0,18})$/)
  .refine((text) => BigInt(text) <= epochMax, 'is too large');

const ca = z.strictObject({
  name: z.string(),
  keyGroup: z.string(),
  state: z.enum(caStates),
  quarantined: z.boolean(),
  /** Tokens on which its key is missing: its work is held there. */
  quarantinedTokens: z.array(z.string()),
  keyAlgorithm: z.string(),
  /** DER Name. */
  subjectDer: base64,
  /** SubjectPublicKeyInfo, DER; null until the key is generated. */
  spki: base64.nullable(),
  /** DER; null until certified. */
  certificate: base64.nullable(),
  /** Name of the CA that certifies it; itself for a root. */
  issuer: z.string(),
  /** The profile its own certificate is made by. */
  certificateProfile: z.string(),
});

const profile = z.strictObject({
  name: z.string(),
  ca: z.string(),
  state: z.enum(['enabled', 'disabled']),
  revision: z.int(),
  /** A ProfileDocument of packages/pki; parsed again by whoever compiles it. */
  document: z.record(z.string(), z.unknown()),
});

const limit = (max: number) => z.int().min(1).max(max).optional();

/** One account, as entities have it. */
export const accountSchema = z.strictObject({
  name: z.string(),
  state: z.enum(['enabled', 'disabled']),
  profiles: z.array(z.string()),
  /** Hex SHA-256 of each API key in force. */
  apiKeyHashes: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
  /** As far as they are set; absent when none is. */
  limits: z
    .strictObject({
      ratePerSecond: limit(accountLimitMax.ratePerSecond),
      burst: limit(accountLimitMax.burst),
      joinsPerSecond: limit(accountLimitMax.joinsPerSecond),
      ordersPerDay: limit(accountLimitMax.ordersPerDay),
    })
    .optional(),
});

/** Entities whole, as the registry's digest covers them: what is there, or what changed. Bytes are base64. */
export const entitiesSchema = z.strictObject({
  cas: z.array(ca),
  profiles: z.array(profile),
  accounts: z.array(accountSchema),
  /**
   * SHA-256 of each SubjectPublicKeyInfo that nobody may be certified for, 32 octets each, one behind the other, in the
   * order in which they were blocked: 43 characters a key.
   */
  blockedKeys: base64.refine(
    (text) => Buffer.byteLength(text, 'base64') % spkiSha256Bytes === 0,
    'must be hashes of 32 octets',
  ),
});
export type Entities = z.infer<typeof entitiesSchema>;

/** The registry's state as every subscriber has it: one epoch, whole. */
export const snapshotSchema = entitiesSchema.extend({ epoch: epochSchema });
export type Snapshot = z.infer<typeof snapshotSchema>;
