import { z } from 'zod';

/** It ends on a terminal: short, and nothing that moves a cursor. */
const textMax = 200;
const text = z
  .string()
  .max(textMax)
  .regex(/^\P{C}*$/u);

/** A report has to stay small: it comes with each renewal. */
export const refusalsMax = 6;

/** What a subscriber says of itself with each renewal of its lease, for `sluice status`. Nothing is decided by it. */
export const subscriberReportSchema = z.object({
  ready: z.boolean(),
  /** What of its readiness is not `ok`. */
  troubles: z.record(text, text),
  /** Breakers, by dependency. */
  breakers: z.record(text, z.enum(['closed', 'probing', 'open'])),
  /** Its clock ahead of the ledger's (negative: behind); null before the ledger told. */
  clock_skew_ms: z.int().nullable(),
  /** Orders that a front end refused within the last minute, by code. */
  refused: z.record(text, z.int()).default({}),
  /** Whose they were, the most frequent first. */
  refusals: z
    .array(z.object({ ca: text, account: text, code: text, per_minute: z.int() }))
    .max(refusalsMax)
    .default([]),
});
export type SubscriberReport = z.infer<typeof subscriberReportSchema>;
/** Of one CA, account and code. */
export type RefusalCount = SubscriberReport['refusals'][number];

/** Any text as one that a report may hold. */
export function reportText(said: string): string {
  return said.replace(/\p{C}/gu, ' ').slice(0, textMax);
}
