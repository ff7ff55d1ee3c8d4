import { type Fate, SluiceError } from '@sluice/errors';
import { type Trying, tryUntil } from './attempts.js';
import type { Continuing, Identity, Order } from './bodies.js';
import { CallError } from './call-error.js';
import { fateOf } from './fate-of.js';
import type { Http } from './http.js';
import { digestOf, type Nonce, type ProvenKey, provePossession, readNonce } from './possession.js';
import { continuingIn, type Reply, readContinuing, readIdentity, replyOf } from './reply.js';

export interface OrderSettings {
  readonly idempotencyKey: string;
  /** The key was made for this order. */
  readonly ownKey: boolean;
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  readonly respondAsync: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Longest wait that the service offers, and the shortest there is. */
const waitMaxS = 6;
const waitLeastS = 1;
/** The service answers within the wait; this is for the way there and back. */
const transitMs = 250;
/** With time to spare, a late answer is worth more than another attempt. */
const patienceMs = 2000;
/** The shortest time in which an attempt can be answered as it should. */
export const attemptLeastMs = waitLeastS * 1000 + transitMs;
/** Nonces last five minutes. */
const nonceUseMs = 120_000;

/**
 * `POST /identity`, tried again with the same key. Resolves when it is issued or continues; throws CallError with the
 * fate that is true after all attempts, `key-weak` for a key that cannot sign, or the signal's reason.
 */
export async function orderIdentity(
  http: Http,
  trying: Trying,
  order: Order,
  settings: OrderSettings,
): Promise<Identity | Continuing> {
  const { clock } = trying;
  const { idempotencyKey, ownKey, deadlineMs, respondAsync, signal } = settings;
  const { profile, subject_dn, san, validity, csr, key } = order;
  if (key !== undefined) digestOf(key);
  const keyOf = createKeyProof(http, trying, order, settings);
  let sent = false;
  let unanswered = false;

  const attempt = async (): Promise<Reply<Identity | Continuing>> => {
    const proven = csr === undefined ? await keyOf() : undefined;
    if (proven !== undefined && proven.kind !== 'done') return proven;
    const leftMs = deadlineMs - clock.monotonicMs();
    const waitS = Math.min(waitMaxS, Math.max(waitLeastS, Math.floor((leftMs - transitMs) / 1000)));
    const reply = replyOf(
      await http(
        {
          ...{ method: 'POST', path: '/identity' },
          headers: {
            'content-type': 'application/json',
            'idempotency-key': idempotencyKey,
            prefer: respondAsync ? 'respond-async' : `wait=${waitS}`,
          },
          body: JSON.stringify({ profile, subject_dn, san, validity, csr, ...proven?.value }),
        },
        { timeoutMs: Math.min(leftMs, waitS * 1000 + patienceMs), signal },
      ),
      (json, status, lookAgainMs) => (status === 201 ? readIdentity(json) : readContinuing(json, lookAgainMs)),
      clock.epochMs(),
    );
    sent ||= reply.kind !== 'unanswered' || reply.sent;
    // What stands between may answer (`not-a-problem`) while the service still works on it.
    unanswered ||=
      (reply.kind === 'unanswered' && reply.sent) || (reply.kind === 'refused' && reply.code === 'not-a-problem');
    const goesOn = reply.kind === 'refused' ? continuingIn(reply) : undefined;
    return goesOn === undefined ? reply : { kind: 'done', value: goesOn };
  };

  const {
    reply,
    attempts,
    gaveUp = 'permanent',
  } = await tryUntil(trying, { deadlineMs, attemptLeastMs, signal }, attempt);
  if (reply.kind === 'done') return reply.value;
  const common = { attempts, gaveUp, idempotencyKey };
  const unsent: Fate = ownKey ? 'not-issued' : 'unknown';
  if (reply.kind === 'unanswered') {
    const fate = sent ? 'unknown' : unsent;
    throw new CallError('POST /identity', { ...common, code: 'no-answer', fate }, reply.cause);
  }
  const fate = sent ? fateOf(reply, { unanswered, ownKey }) : unsent;
  throw new CallError('POST /identity', { ...common, ...reply, fate });
}

/** The public key with its proof, over a nonce that is taken when there is none that lasts. */
function createKeyProof(
  http: Http,
  { clock }: Trying,
  { key, profile }: Order,
  { deadlineMs, signal }: OrderSettings,
): () => Promise<Reply<ProvenKey>> {
  let taken: { readonly nonce: Nonce; readonly atMs: number } | undefined;
  return async () => {
    if (key === undefined) throw new SluiceError('csr-invalid', 'An order takes `csr` or `key`');
    const atMs = clock.monotonicMs();
    if (taken === undefined || atMs - taken.atMs > nonceUseMs) {
      // What is left must do for the order itself.
      const limits = { timeoutMs: deadlineMs - atMs - attemptLeastMs, signal };
      const reply = replyOf(await http({ method: 'POST', path: '/nonce' }, limits), readNonce, clock.epochMs());
      if (reply.kind === 'unanswered') return { ...reply, sent: false };
      if (reply.kind === 'refused') return reply;
      taken = { nonce: reply.value, atMs };
    }
    return { kind: 'done', value: provePossession(key, profile, taken.nonce) };
  };
}
