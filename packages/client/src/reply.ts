import { type Fate, fates, isCode, type Problem } from '@sluice/errors';
import type { Continuing, Identity, Open } from './bodies.js';
import type { FailureCode } from './call-error.js';
import type { HttpAnswer, NoAnswer } from './http.js';
import { readRetryAfter } from './retry-delay.js';

/** What an attempt brought. */
export type Reply<T> = { readonly kind: 'done'; readonly value: T } | Refused | Unanswered;

export interface Refused {
  readonly kind: 'refused';
  readonly status: number;
  readonly code: FailureCode;
  /** As told: of the request, or of this very call. */
  readonly fate: Fate | undefined;
  readonly problem: Problem | undefined;
  readonly id: string | undefined;
  readonly retryAfterMs: number | undefined;
}

export interface Unanswered {
  readonly kind: 'unanswered';
  readonly cause: unknown;
  /** Whether what was asked may have reached the service. */
  readonly sent: boolean;
}

/** Reads the body of a success; `undefined` for what is not one. */
export type ReadBody<T> = (
  json: Readonly<Record<string, unknown>>,
  status: number,
  retryAfterMs: number,
) => T | undefined;

/** Without a Retry-After. */
const lookAgainDefaultMs = 1000;

/** What an answer means. A success that `read` does not know is no answer: it was not whole. */
export function replyOf<T>(answer: HttpAnswer | NoAnswer, read: ReadBody<T>, nowMs: number): Reply<T> {
  if (answer.status === undefined) return { kind: 'unanswered', cause: answer.cause, sent: answer.sent };
  const { status, headers } = answer;
  const json = objectIn(answer.text);
  const retryAfterMs = readRetryAfter(headers.get('retry-after'), nowMs);
  if (status >= 200 && status < 300) {
    const value = json && read(json, status, retryAfterMs ?? lookAgainDefaultMs);
    if (value !== undefined) return { kind: 'done', value };
    return { kind: 'unanswered', cause: new Error(`An answer ${status} that cannot be read`), sent: true };
  }
  const problem = json && problemIn(json);
  const fate = fates.find((known) => known === problem?.fate);
  const id = uuid(problem?.id);
  return { kind: 'refused', status, code: problem?.code ?? 'not-a-problem', fate, problem, id, retryAfterMs };
}

/** Something that another attempt may bring, and not merely the same answer again. */
export function mayPass({ status, problem }: Refused): boolean {
  // How a request ended is replayed under its key.
  if (problem?.state === 'rejected' || problem?.state === 'cancelled') return false;
  return status === 408 || status === 429 || status >= 500;
}

export function readIdentity(json: Readonly<Record<string, unknown>>): Identity | undefined {
  const { chain, serial, signing_cert, not_before, not_after } = json;
  const id = uuid(json.id);
  const readable =
    id !== undefined &&
    [serial, signing_cert, not_before, not_after].every((member) => typeof member === 'string') &&
    Array.isArray(chain) &&
    chain.every((certificate) => typeof certificate === 'string');
  return readable
    ? ({ fate: 'issued', id, serial, signing_cert, chain, not_before, not_after } as Identity)
    : undefined;
}

export function readContinuing(json: Readonly<Record<string, unknown>>, lookAgainMs: number): Continuing | undefined {
  const id = uuid(json.id);
  const state = (['queued', 'signing', 'parked'] as const).find((known) => known === json.state);
  if (json.fate !== 'continuing' || id === undefined || state === undefined) return undefined;
  return { fate: 'continuing', id, state, lookAgainMs };
}

export function readOpen(json: Readonly<Record<string, unknown>>, lookAgainMs: number): Open | undefined {
  const id = uuid(json.id);
  const state = (['queued', 'signing'] as const).find((known) => known === json.state);
  if (json.fate !== undefined || id === undefined || state === undefined) return undefined;
  return { fate: undefined, id, state, lookAgainMs };
}

/** A request whose attempts are used up is told as a problem, but goes on: an operator decides. */
export function continuingIn({ code, fate, id, retryAfterMs }: Refused): Continuing | undefined {
  if (code !== 'failed' || fate !== 'continuing' || id === undefined) return undefined;
  return { fate, id, state: 'failed', lookAgainMs: retryAfterMs ?? lookAgainDefaultMs };
}

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** It will stand in a path. */
export function uuid(value: unknown): string | undefined {
  return typeof value === 'string' && uuidForm.test(value) ? value : undefined;
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json } : undefined;
  } catch {
    return undefined;
  }
}

function problemIn(json: Readonly<Record<string, unknown>>): Problem | undefined {
  const texts = [json.code, json.title, json.detail, json.what_to_do];
  const told = texts.every((member) => typeof member === 'string') && typeof json.status === 'number';
  const named = typeof json.code === 'string' && (isCode(json.code) || /^[a-z]+(-[a-z]+)*$/.test(json.code));
  return told && named ? (json as Problem) : undefined;
}
