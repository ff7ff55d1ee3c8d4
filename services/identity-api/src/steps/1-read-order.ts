import { hash } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import type { RequestContent } from '@sluice/pki';
import type { z } from 'zod';
import { type OrderBody, orderSchema } from '../api/schemas.js';
import { isSome, type RequestFinding, refusedFor } from '../findings.js';

/** The body of `POST /identity`, its shape checked; what its values may be is the profile's (step 2). */
export interface Order {
  readonly profile: string;
  readonly content: RequestContent;
  /** As sent: PEM, or base64 of the DER. */
  readonly key:
    | { readonly csr: string }
    | { readonly publicKey: string; readonly proof: NonNullable<OrderBody['proof']> };
  /**
   * SHA-256 of what was asked for; the same for another order of members or other white space between them, and for
   * another proof: whoever asks again may sign a new nonce.
   */
  readonly payloadHash: Uint8Array;
}

/** PostgreSQL cannot hold U+0000, a lone surrogate is no character, and no name has a control character in it. */
const unprintable = /[\p{Cc}\p{Cs}]/u;

/**
 * Step 1: the shape of the body. Throws `body-invalid` with the first fault's pointer (RFC 6901) and all findings, or
 * `body-too-large` for a CSR beyond 16 kB.
 */
export function readOrder(json: unknown): Order {
  const parsed = orderSchema.safeParse(json, { reportInput: true });
  const findings = parsed.success ? [] : parsed.error.issues.flatMap(findingsOf);
  if (isObject(json)) {
    for (const name of ['profile', 'subject_dn', 'san']) findUnprintable(json[name], `/${name}`, findings);
    findTwoWays(json, findings);
  }
  if (isSome(findings)) throw refusedFor(findings);
  if (!parsed.success) throw parsed.error;
  const { profile, subject_dn, csr, public_key, proof, san = {}, validity } = parsed.data;
  // The schema writes its members in its own order, so equal orders give equal texts.
  const payload = JSON.stringify([profile, subject_dn, san, csr ?? { public_key }, ...(validity ? [validity] : [])]);
  const payloadHash = hash('sha256', payload, 'buffer');
  const content = { subject_dn, san, ...(validity ? { validity } : {}) };
  if (csr !== undefined) return { profile, content, key: { csr }, payloadHash };
  if (public_key === undefined || proof === undefined) throw new SluiceError('internal', 'an order without a key');
  return { profile, content, key: { publicKey: public_key, proof }, payloadHash };
}

/** The key comes in a CSR, or by itself with a proof: one of the two, whole. */
function findTwoWays(json: Readonly<Record<string, unknown>>, findings: RequestFinding[]): void {
  const refuse = (member: string, detail: string) =>
    findings.push({ pointer: `/${member}`, code: 'body-invalid', detail });
  const has = (member: string) => json[member] !== undefined;
  if (has('csr')) {
    for (const member of ['public_key', 'proof']) if (has(member)) refuse(member, 'has no place beside `csr`');
  } else if (has('public_key') || has('proof')) {
    for (const member of ['public_key', 'proof']) if (!has(member)) refuse(member, 'is missing');
  } else refuse('csr', 'is missing; or send `public_key` and `proof`');
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function findUnprintable(value: unknown, pointer: string, findings: RequestFinding[]): void {
  if (typeof value === 'string') {
    if (unprintable.test(value)) {
      findings.push({ pointer, code: 'body-invalid', detail: 'must not hold control characters or lone surrogates' });
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [member, inner] of Object.entries(value)) {
      findUnprintable(inner, pointer + pointerOf([member]), findings);
    }
  }
}

function findingsOf(issue: z.core.$ZodIssue): RequestFinding[] {
  const pointer = pointerOf(issue.path);
  if (issue.code === 'too_big' && pointer === '/csr') {
    return [{ pointer, code: 'body-too-large', detail: 'is larger than 16 kB' }];
  }
  if (issue.code !== 'unrecognized_keys') return [{ pointer, code: 'body-invalid', detail: detailOf(issue) }];
  return issue.keys.map((key) => ({
    pointer: pointer + pointerOf([key]),
    code: 'body-invalid',
    detail: 'is not a member that this call knows',
  }));
}

/** In our words: zod's may repeat what the client sent. */
function detailOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    return issue.input === undefined ? 'is missing' : `must be ${typeNames[issue.expected] ?? 'of another type'}`;
  }
  if (issue.code === 'too_small') return 'must not be empty';
  if (issue.code === 'too_big') {
    return `must have at most ${issue.maximum} ${issue.origin === 'array' ? 'values' : 'characters'}`;
  }
  if (issue.code === 'invalid_format') return 'must be a time in UTC and whole seconds: 2026-11-21T08:00:00Z';
  return 'is not valid';
}

const typeNames: Readonly<Record<string, string>> = { string: 'a text', array: 'a list', object: 'an object' };

/** Members of a pointer that a client made up are cut to this. */
const memberLengthMax = 100;

function pointerOf(path: readonly PropertyKey[]): string {
  return path
    .map((step) => `/${String(step).slice(0, memberLengthMax).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}
