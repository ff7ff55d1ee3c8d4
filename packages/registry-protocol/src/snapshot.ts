import { caStates } from '@sluice/issuance';
import { z } from 'zod';

const base64 = z.base64();

const spkiSha256Bytes = 32;

/** The registry's state as every subscriber sees it: one epoch, whole. Bytes are base64. */
export const snapshotSchema = z.strictObject({
  /** Decimal text of a bigint. */
  epoch: z.string().regex(/^\d+$/),
  cas: z.array(
    z.strictObject({
      name: z.string(),
      keyGroup: z.string(),
      state: z.enum(caStates),
      quarantined: z.boolean(),
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
    }),
  ),
  profiles: z.array(
    z.strictObject({
      name: z.string(),
      ca: z.string(),
      state: z.enum(['enabled', 'disabled']),
      revision: z.int(),
      /** A ProfileDocument of packages/pki; parsed again by whoever compiles it. */
      document: z.record(z.string(), z.unknown()),
    }),
  ),
  accounts: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(['enabled', 'disabled']),
      profiles: z.array(z.string()),
      /** Hex SHA-256 of each API key in force. */
      apiKeyHashes: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
    }),
  ),
  /** SHA-256 of each SubjectPublicKeyInfo that nobody may be certified for, 32 octets each, one behind the other: 43 characters a key. */
  blockedKeys: base64.refine(
    (text) => Buffer.byteLength(text, 'base64') % spkiSha256Bytes === 0,
    'must be hashes of 32 octets',
  ),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

/** The block list of a snapshot, in lower-case hex as `publicKeyHash` of packages/pki gives it. */
export function blockedKeyHashes({ blockedKeys }: Pick<Snapshot, 'blockedKeys'>): ReadonlySet<string> {
  const octets = Buffer.from(blockedKeys, 'base64');
  const count = octets.length / spkiSha256Bytes;
  return new Set(
    Array.from({ length: count }, (_, index) =>
      octets.toString('hex', index * spkiSha256Bytes, (index + 1) * spkiSha256Bytes),
    ),
  );
}
