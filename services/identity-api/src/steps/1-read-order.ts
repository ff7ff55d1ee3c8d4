import { hash } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { csrBytesMax, sanSchema, subjectDnSchema } from '@sluice/pki';
import { z } from 'zod';

const bodySchema = z.strictObject({
  profile: z.string().min(1).max(63),
  subject_dn: subjectDnSchema,
  csr: z.string().min(1),
  san: sanSchema.optional(),
});

/** The body of `POST /identity`, its shape checked; what its values may be is the profile's (step 2). */
export interface Order {
  readonly profile: string;
  readonly content: { readonly subject_dn: Body['subject_dn']; readonly san: NonNullable<Body['san']> };
  /** PEM, or base64 of the DER. */
  readonly csr: string;
  /** SHA-256 of what was asked for; the same for another order of members or other white space between them. */
  readonly payloadHash: Uint8Array;
}
type Body = z.infer<typeof bodySchema>;

interface ShapeFinding {
  readonly pointer: string;
  readonly code: 'body-invalid';
  readonly detail: string;
}

const findingsMax = 20;
/** PostgreSQL cannot hold U+0000, a lone surrogate is no character, and no name has a control character in it. */
const unprintable = /[\p{Cc}\p{Cs}]/u;

/**
 * Step 1: the shape of the body. Throws `body-invalid` with the first fault's pointer (RFC 6901) and all findings, or
 * `body-too-large` for a CSR beyond 16 kB.
 */
export function readOrder(json: unknown): Order {
  const parsed = bodySchema.safeParse(json);
  if (!parsed.success) throw invalid(parsed.error.issues.flatMap(findingsOf));
  const body = parsed.data;
  if (body.csr.length > csrBytesMax) {
    throw new SluiceError('body-too-large', 'The CSR is larger than 16 kB', { facts: { pointer: '/csr' } });
  }
  const { profile, subject_dn, csr, san = {} } = body;
  const findings: ShapeFinding[] = [];
  for (const [name, value] of Object.entries({ profile, subject_dn, san }))
    findUnprintable(value, `/${name}`, findings);
  if (findings.length > 0) throw invalid(findings);
  // The schema writes its members in its own order, so equal orders give equal texts.
  const payload = JSON.stringify([profile, subject_dn, san, csr]);
  return { profile, content: { subject_dn, san }, csr, payloadHash: hash('sha256', payload, 'buffer') };
}

function findUnprintable(value: unknown, pointer: string, findings: ShapeFinding[]): void {
  if (typeof value === 'string') {
    if (unprintable.test(value)) {
      findings.push({ pointer, code: 'body-invalid', detail: 'must not hold control characters or lone surrogates' });
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [member, inner] of Object.entries(value)) findUnprintable(inner, `${pointer}/${member}`, findings);
  }
}

function findingsOf(issue: z.core.$ZodIssue): ShapeFinding[] {
  const pointer = pointerOf(issue.path);
  if (issue.code !== 'unrecognized_keys') return [{ pointer, code: 'body-invalid', detail: detailOf(issue) }];
  return issue.keys.map((key) => ({
    pointer: pointer + pointerOf([key.slice(0, 100)]),
    code: 'body-invalid',
    detail: 'is not a member that this call knows',
  }));
}

/** In our words: zod's may repeat what the client sent. */
function detailOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type')
    return `must be ${issue.expected === 'array' ? 'a list' : `of type ${issue.expected}`}`;
  if (issue.code === 'too_small') return 'must not be empty';
  if (issue.code === 'too_big')
    return `must have at most ${issue.maximum} ${issue.origin === 'array' ? 'values' : 'characters'}`;
  return 'is not valid';
}

function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function invalid(findings: readonly ShapeFinding[]): SluiceError {
  const first = findings[0];
  return new SluiceError('body-invalid', `${first?.pointer || 'The body'} ${first?.detail}`, {
    facts: { pointer: first?.pointer, findings: findings.slice(0, findingsMax) },
  });
}
