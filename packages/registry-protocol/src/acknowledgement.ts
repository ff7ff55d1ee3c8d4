import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { digestSchema } from './frames.js';
import { epochSchema } from './snapshot.js';

export const acknowledgementPath = '/v1/acknowledgements';

/** What a proof is made over. */
export interface Applied {
  /** The subscriber's. */
  readonly name: string;
  readonly incarnation: bigint;
  readonly epoch: bigint;
  /** Of the state that is in force there, computed from that state. */
  readonly digest: Uint8Array;
  /** Of its stream. */
  readonly streamNonce: Uint8Array;
}

/**
 * Base64url of a SHA-256 that only whoever holds this state and hears this stream can make: nobody acknowledges what it
 * has not applied, for somebody else, or once more on another stream.
 */
export function acknowledgementProof({ name, incarnation, epoch, digest, streamNonce }: Applied): string {
  return createHash('sha256')
    .update(`sluice-applied\n${name}\n${incarnation}\n${epoch}\n`)
    .update(digest)
    .update(streamNonce)
    .digest('base64url');
}

export function provesApplied(proof: string, applied: Applied): boolean {
  const [given, expected] = [Buffer.from(proof), Buffer.from(acknowledgementProof(applied))];
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const refusalTextMax = 500;

/** `POST /v1/acknowledgements`: in force here, with its proof; or refused, and why. */
export const acknowledgementBodySchema = z.union([
  z.strictObject({ incarnation: epochSchema, epoch: epochSchema, proof: digestSchema }),
  z.strictObject({
    incarnation: epochSchema,
    epoch: epochSchema,
    refused: z.strictObject({
      code: z
        .string()
        .regex(/^[a-z]+(-[a-z]+)*$/)
        .max(64),
      reason: z.string().max(refusalTextMax),
    }),
  }),
]);
export type AcknowledgementBody = z.infer<typeof acknowledgementBodySchema>;

/** Any text as one that a refusal may hold. */
export function refusalText(said: string): string {
  return said.replace(/\p{C}/gu, ' ').slice(0, refusalTextMax);
}
