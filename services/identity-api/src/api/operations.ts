import { type Code, codes } from '@sluice/errors';
import { caStates, dispositionFacts, dispositionOf, refusal } from '@sluice/issuance';
import type { z } from 'zod';
import {
  cancelledSchema,
  continuingSchema,
  identitySchema,
  nonceSchema,
  openSchema,
  orderSchema,
  problemTypeSchema,
  problemTypesSchema,
  profileSchema,
  profilesSchema,
} from './schemas.js';

export type HeaderName =
  | 'X-Request-Id'
  | 'Location'
  | 'Retry-After'
  | 'RateLimit'
  | 'RateLimit-Policy'
  | 'Preference-Applied'
  | 'WWW-Authenticate'
  | 'Allow';
export type ParameterName = 'Idempotency-Key' | 'Prefer' | 'X-Request-Id' | 'id' | 'name' | 'code';
export type MediaType = 'application/json' | 'application/problem+json' | 'text/html';

/** An answer other than a problem. X-Request-Id stands in every one. */
export interface SuccessFacts {
  readonly status: number;
  readonly description: string;
  readonly required: readonly HeaderName[];
  readonly optional: readonly HeaderName[];
  /** The body is one of these; a page has no schema. */
  readonly content: Partial<Record<MediaType, readonly z.ZodType[]>>;
}

/** An operation as it is told to clients. Which answers it may give is checked against each answer in the tests. */
export interface OperationFacts {
  readonly id: string;
  readonly method: 'get' | 'post' | 'delete';
  readonly path: string;
  readonly group: 'Identities' | 'Profiles' | 'This description';
  readonly summary: string;
  readonly description: string;
  /** With an API key. */
  readonly secured: boolean;
  readonly parameters: readonly ParameterName[];
  readonly body?: z.ZodType;
  readonly successes: readonly SuccessFacts[];
  /** Every code that it may answer with. */
  readonly codes: readonly Code[];
  /** Beside those that follow from the code. */
  readonly problemHeaders: readonly HeaderName[];
}

/** What may stop any call. */
const always: readonly Code[] = ['http-invalid', 'request-timeout', 'headers-too-large', 'internal', 'draining'];
const authenticated: readonly Code[] = [...always, 'unauthorized', 'account-disabled', 'unavailable'];

/** What a signer or the claim may end a request with (`rejected`), and so what each later look at it is answered with. */
export const rejectionCodes: readonly Code[] = (Object.keys(codes) as Code[]).filter(
  (code) => dispositionFacts[dispositionOf(code)].again === 'never',
);
/** What step 2 says of a CA that does not permit it. */
const caRefusals = caStates.map((state) => refusal(state, 'subscriber')).filter((code) => code !== undefined);
/** Standings that are told as problems. */
const standingCodes: readonly Code[] = [...rejectionCodes, 'cancelled', 'not-issued', 'withheld', 'failed'];

const noHeaders = { required: [], optional: [] } as const;

const postIdentity: OperationFacts = {
  id: 'orderIdentity',
  method: 'post',
  path: '/identity',
  group: 'Identities',
  summary: 'Ask for a certificate, and wait for it',
  description: `The certificate is asked for with a key, which it will certify, and names that the profile allows. The call waits until it is issued, up to the time given with \`Prefer: wait=N\` (6 seconds without); it answers in time whatever happens, and what it says is never contradicted later.

With an \`Idempotency-Key\`, asking again joins the same request, for 72 hours; a retry is therefore always safe, and the way to learn what became of a call whose answer was lost. A refusal that is not about the payload alone (a limit that is reached, a full lane, something away, the state of a CA, what a profile says at the moment, a time) then has the fate \`unknown\`: another call with the same key may be going on. Without one, an equal order (same account, profile, key and names) joins while it is open.

The key comes in a CSR, or as \`public_key\` with a \`proof\` that you have its private half: take a nonce from POST /nonce, and sign these five lines, in ASCII, with one line feed (0x0a) between them and nothing at the end:

\`sluice-proof-1\`, the name of your account, the name of the profile, SHA-256 over the DER of the SubjectPublicKeyInfo in lower-case hexadecimal, and the nonce as it was given.

The signature is sent in base64. An EC key signs with ECDSA and the hash of its curve (P-256: SHA-256, P-384: SHA-384, P-521: SHA-512), as DER (Ecdsa-Sig-Value, RFC 3279 2.2.3); an RSA key with RSASSA-PKCS1-v1_5 and SHA-256; Ed25519 as it is (RFC 8032). For the Idempotency-Key the proof is not part of the payload: asking again with a new nonce is the same order.`,
  secured: true,
  parameters: ['Idempotency-Key', 'Prefer', 'X-Request-Id'],
  body: orderSchema,
  successes: [
    {
      status: 201,
      description: 'Issued, and stored: GET its Location gives it again.',
      required: ['Location'],
      optional: ['Preference-Applied'],
      content: { 'application/json': [identitySchema] },
    },
    {
      status: 202,
      description:
        'It goes on without you: you asked not to wait longer, it was being signed when the wait ended, or an operator has set it aside. Look at its Location after Retry-After.',
      required: ['Location', 'Retry-After'],
      optional: ['Preference-Applied'],
      content: { 'application/json': [continuingSchema] },
    },
  ],
  codes: unique([
    ...authenticated,
    ...standingCodes,
    ...caRefusals,
    ...(['body-invalid', 'key-invalid', 'body-too-large', 'media-type', 'payload-mismatch'] as const),
    ...(['nonce-invalid', 'proof-invalid', 'rate-limited', 'quota-exceeded'] as const),
    ...(['outcome-unknown', 'overloaded', 'lane-full', 'account-full', 'fenced', 'stale-snapshot'] as const),
  ]),
  problemHeaders: ['Preference-Applied', 'Location'],
};

const postNonce: OperationFacts = {
  id: 'takeNonce',
  method: 'post',
  path: '/nonce',
  group: 'Identities',
  summary: 'A nonce, to prove that you have a key',
  description:
    'For orders with `public_key`: what their `proof` is signed over, see POST /identity. It is for this account, every front end accepts it, and it may be used more than once while it lasts.',
  secured: true,
  parameters: ['X-Request-Id'],
  successes: [json(200, 'A nonce that lasts 5 minutes.', nonceSchema)],
  codes: authenticated,
  problemHeaders: [],
};

const getIdentity: OperationFacts = {
  id: 'readIdentity',
  method: 'get',
  path: '/identity/{id}',
  group: 'Identities',
  summary: 'What became of a request',
  description:
    "The answer that POST /identity would give now, but 200 for what is issued or goes on. A request that has ended without a certificate is told as a problem. Another account's request is `not-found`.",
  secured: true,
  parameters: ['id', 'X-Request-Id'],
  successes: [
    {
      status: 200,
      description: 'Issued (an Identity), parked (Continuing) or open (Open); with Retry-After when not issued.',
      required: ['Location'],
      optional: ['Retry-After'],
      content: { 'application/json': [identitySchema, continuingSchema, openSchema] },
    },
  ],
  codes: unique([...authenticated, ...standingCodes, 'id-invalid', 'not-found', 'rate-limited', 'stale-snapshot']),
  problemHeaders: ['Location'],
};

const deleteIdentity: OperationFacts = {
  id: 'cancelIdentity',
  method: 'delete',
  path: '/identity/{id}',
  group: 'Identities',
  summary: 'Cancel a request',
  description:
    'Cancels what is queued, or set aside. What is being signed or has ended stays as it is (`not-cancellable`). Asking again is safe, and says the same.',
  secured: true,
  parameters: ['id', 'X-Request-Id'],
  successes: [
    {
      status: 200,
      description: 'Cancelled: no certificate will be handed out for it.',
      required: [],
      optional: [],
      content: { 'application/json': [cancelledSchema] },
    },
  ],
  codes: unique([...authenticated, 'id-invalid', 'not-found', 'not-cancellable', 'rate-limited', 'outcome-unknown']),
  problemHeaders: ['Location'],
};

const getProfiles: OperationFacts = {
  id: 'listProfiles',
  method: 'get',
  path: '/profiles',
  group: 'Profiles',
  summary: 'What this account may ask for',
  description:
    'Every profile that the account may use: which fields and names it takes, which keys, for how long the certificate is valid, and whether it may be used now. As this process has last heard of it: a change that an operator makes is here within seconds.',
  secured: true,
  parameters: ['X-Request-Id'],
  successes: [json(200, 'The profiles, by name.', profilesSchema)],
  codes: authenticated,
  problemHeaders: [],
};

const getProfile: OperationFacts = {
  id: 'readProfile',
  method: 'get',
  path: '/profiles/{name}',
  group: 'Profiles',
  summary: 'One profile',
  description: 'The same for one profile. A profile that this account may not use is `not-found`.',
  secured: true,
  parameters: ['name', 'X-Request-Id'],
  successes: [json(200, 'The profile.', profileSchema)],
  codes: unique([...authenticated, 'not-found', 'id-invalid']),
  problemHeaders: [],
};

const getProblems: OperationFacts = {
  id: 'listProblems',
  method: 'get',
  path: '/problems',
  group: 'This description',
  summary: 'Every code, and what it means',
  description: 'The registry of codes, as a page or, with `Accept: application/json`, as data. Needs no API key.',
  secured: false,
  parameters: ['X-Request-Id'],
  successes: [pageOrJson('All codes, in groups.', problemTypesSchema)],
  codes: always,
  problemHeaders: [],
};

const getProblem: OperationFacts = {
  id: 'readProblem',
  method: 'get',
  path: '/problems/{code}',
  group: 'This description',
  summary: 'What a code means, and what to do',
  description:
    "What a problem's `type` leads to, as a page or, with `Accept: application/json`, as data. Needs no API key.",
  secured: false,
  parameters: ['code', 'X-Request-Id'],
  successes: [pageOrJson('The code.', problemTypeSchema)],
  codes: unique([...always, 'not-found', 'id-invalid']),
  problemHeaders: [],
};

const getOpenApi: OperationFacts = {
  id: 'readDescription',
  method: 'get',
  path: '/openapi.json',
  group: 'This description',
  summary: 'This description, for programs',
  description: 'OpenAPI 3.1, generated from the schemas that check what comes in. Needs no API key.',
  secured: false,
  parameters: ['X-Request-Id'],
  successes: [{ ...noHeaders, status: 200, description: 'OpenAPI 3.1.', content: { 'application/json': [] } }],
  codes: always,
  problemHeaders: [],
};

const getDocs: OperationFacts = {
  id: 'readDocs',
  method: 'get',
  path: '/docs',
  group: 'This description',
  summary: 'This description, for people',
  description: 'A page made from /openapi.json. It fetches nothing and runs nothing. Needs no API key.',
  secured: false,
  parameters: ['X-Request-Id'],
  successes: [{ ...noHeaders, status: 200, description: 'A page.', content: { 'text/html': [] } }],
  codes: always,
  problemHeaders: [],
};

export const operations: readonly OperationFacts[] = [
  ...[postIdentity, postNonce, getIdentity, deleteIdentity, getProfiles, getProfile],
  ...[getProblems, getProblem, getOpenApi, getDocs],
];

/** Codes of an operation by HTTP status, in ascending order. */
export function codesByStatus(of: readonly Code[]): readonly (readonly [status: number, codes: readonly Code[]])[] {
  const byStatus = new Map<number, Code[]>();
  for (const code of of) {
    const { status } = codes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return [...byStatus].sort(([left], [right]) => left - right);
}

function unique(list: readonly Code[]): readonly Code[] {
  return [...new Set(list)];
}

function json(status: number, description: string, schema: z.ZodType): SuccessFacts {
  return { ...noHeaders, status, description, content: { 'application/json': [schema] } };
}

function pageOrJson(description: string, schema: z.ZodType): SuccessFacts {
  return { ...noHeaders, status: 200, description, content: { 'text/html': [], 'application/json': [schema] } };
}
