import type { Fate } from '@sluice/errors';
import { type Tried, type Trying, tryUntil, type Until } from './attempts.js';
import type { Continuing, Identity, Open } from './bodies.js';
import { CallError } from './call-error.js';
import { pause } from './clock.js';
import type { Http } from './http.js';
import { continuingIn, type Refused, readContinuing, readIdentity, readOpen, replyOf } from './reply.js';

/** How a request stands. */
export type Standing = Identity | Continuing | Open;

/** A look needs no more. */
export const lookLeastMs = 250;
const lookMaxMs = 10_000;

/** Ends that are told as a problem: another look would find the same. */
const ends: ReadonlySet<Fate | undefined> = new Set<Fate>(['not-issued', 'withheld', 'cancelled']);

/** `GET /identity/{id}`, tried again. Throws CallError, also for what has ended without a certificate. */
export async function look(http: Http, trying: Trying, id: string, until: Until): Promise<Standing> {
  const tried = await tryLook(http, trying, id, until);
  if (tried.reply.kind === 'done') return tried.reply.value;
  throw failedLook(id, tried);
}

/**
 * Looks again and again, at growing intervals and never sooner than the service says, until it is issued. At the
 * deadline, or when nothing can be seen any more: how it stood last. Throws CallError when it has ended without a
 * certificate, or was never seen.
 */
export async function follow(
  http: Http,
  trying: Trying,
  id: string,
  until: Until,
  ordered?: { readonly standing: Continuing; readonly idempotencyKey: string },
): Promise<Standing> {
  let last: Continuing | Open | undefined = ordered?.standing;
  for (let looks = 0; ; looks += 1) {
    if (last !== undefined) {
      const delayMs = lookDelayMs(looks, last.lookAgainMs, trying.random);
      if (trying.clock.monotonicMs() + delayMs + lookLeastMs > until.deadlineMs) return last;
      await pause(trying.clock, delayMs, until.signal);
    }
    const tried = await tryLook(http, trying, id, until);
    if (tried.reply.kind === 'done') {
      const standing: Standing = tried.reply.value;
      if (standing.fate === 'issued') return standing;
      last = standing;
    } else if (tried.gaveUp === 'permanent' || last === undefined) {
      throw failedLook(id, tried, ordered?.idempotencyKey);
    } else return last;
  }
}

function tryLook(http: Http, trying: Trying, id: string, until: Until): Promise<Tried<Standing>> {
  const { clock } = trying;
  return tryUntil<Standing>(
    trying,
    until,
    async () => {
      const timeoutMs = Math.min(lookMaxMs, until.deadlineMs - clock.monotonicMs());
      const answer = await http({ method: 'GET', path: `/identity/${id}` }, { timeoutMs, signal: until.signal });
      const reply = replyOf<Standing>(
        answer,
        (json, _status, againMs) => readIdentity(json) ?? readContinuing(json, againMs) ?? readOpen(json, againMs),
        clock.epochMs(),
      );
      const goesOn = reply.kind === 'refused' ? continuingIn(reply) : undefined;
      return goesOn === undefined ? reply : { kind: 'done', value: goesOn };
    },
    hasEnded,
  );
}

function hasEnded({ fate }: Refused): boolean {
  return ends.has(fate);
}

function failedLook(
  id: string,
  { reply, attempts, gaveUp = 'permanent' }: Tried<Standing>,
  idempotencyKey?: string,
): CallError {
  const common = { id, attempts, gaveUp, idempotencyKey };
  if (reply.kind === 'refused') return new CallError('GET /identity', { ...reply, ...common });
  const cause = reply.kind === 'unanswered' ? reply.cause : undefined;
  return new CallError('GET /identity', { ...common, code: 'no-answer', fate: 'unknown' }, cause);
}

const longestMs = 30_000;

/** What the service says, or longer with each look; and up to a quarter more, so that not all look together. */
function lookDelayMs(looks: number, lookAgainMs: number, random: () => number): number {
  const growingMs = Math.min(longestMs, 1000 * 1.5 ** looks);
  return Math.max(lookAgainMs, growingMs) * (1 + random() / 4);
}
