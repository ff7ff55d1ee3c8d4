import { accountLimitMax } from '@sluice/issuance';
import { z } from 'zod';

/** Members that many bodies and answers of the admin API share. */

/** Names of CAs, profiles, accounts and key groups: they stand in file names, queue names, metrics and URLs. */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'must be 1 to 63 of a-z, 0-9 and inner hyphens');

/** No NUL: PostgreSQL cannot hold it, and one such text would fail everybody else's rows of the batch. */
export const text = (lengthMax: number) =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .refine((value) => !value.includes('\u0000'), 'must not contain a NUL character');

export const epoch = z.string().regex(/^\d+$/);
export const time = z.iso.datetime();
export const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/);
/** Of a SHA-256. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hexadecimal');
export const reason = text(500);
export const dryRun = z.boolean().optional();

const limit = (max: number) => z.int().min(1).max(max);

/** `AccountLimits` of packages/issuance, which says what each means. */
export const accountLimitsSchema = z
  .strictObject({
    rate_per_second: limit(accountLimitMax.ratePerSecond),
    burst: limit(accountLimitMax.burst),
    joins_per_second: limit(accountLimitMax.joinsPerSecond),
    orders_per_day: limit(accountLimitMax.ordersPerDay),
  })
  .partial();
export type AccountLimitsBody = z.infer<typeof accountLimitsSchema>;

/** null: as by default from now on. */
export const limitChangesSchema = z
  .strictObject({
    rate_per_second: limit(accountLimitMax.ratePerSecond).nullable(),
    burst: limit(accountLimitMax.burst).nullable(),
    joins_per_second: limit(accountLimitMax.joinsPerSecond).nullable(),
    orders_per_day: limit(accountLimitMax.ordersPerDay).nullable(),
  })
  .partial();

/** What a change answers. In a dry run `epoch` is the present one and nothing was stored. */
export const changed = { dry_run: z.boolean(), epoch };
