import type { Code, Fate, Problem } from '@sluice/errors';

/**
 * The code of a problem, as `/problems` of the service lists them. Of this client's own: `no-answer` (nothing came, or
 * nothing whole that can be read) and `not-a-problem` (an error without a problem document: something between answered).
 * A newer service may tell others.
 */
export type FailureCode = Code | 'no-answer' | 'not-a-problem' | (string & Record<never, never>);

/**
 * Why it was not tried again: `permanent`, the same would be answered; `attempts`, three were made; `deadline`, the next
 * would have come too late; `budget`, too many of this client's calls had to be tried again lately.
 */
export type GaveUp = 'permanent' | 'attempts' | 'deadline' | 'budget';

export interface CallErrorFacts {
  readonly code: FailureCode;
  /** HTTP status; absent when there was no answer. */
  readonly status?: number | undefined;
  /** What became of what was ordered or asked about, and what you may rely on; absent where nothing is known of it. */
  readonly fate?: Fate | undefined;
  /** The whole problem document (RFC 9457): `detail`, `findings`, `what_to_do`, `request_id` … */
  readonly problem?: Problem | undefined;
  /** The request it is about, if known: `read`, `follow` and `cancel` take it. */
  readonly id?: string | undefined;
  /** Of an order: with it, the same order joins what may have come of this one, for 72 hours. */
  readonly idempotencyKey?: string | undefined;
  /** Asked again sooner than this, the service would answer the same. */
  readonly retryAfterMs?: number | undefined;
  readonly attempts: number;
  readonly gaveUp: GaveUp;
}

/** A call that did not bring what was asked for. Decide by `code` and `fate`; the message is for people. */
export class CallError extends Error implements CallErrorFacts {
  override readonly name = 'CallError';
  readonly code: FailureCode;
  readonly status: number | undefined;
  readonly fate: Fate | undefined;
  readonly problem: Problem | undefined;
  readonly id: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly attempts: number;
  readonly gaveUp: GaveUp;

  /** `cause`: what the connection died of. */
  constructor(call: string, facts: CallErrorFacts, cause?: unknown) {
    super(messageOf(call, facts), cause === undefined ? undefined : { cause });
    this.code = facts.code;
    this.status = facts.status;
    this.fate = facts.fate;
    this.problem = facts.problem;
    this.id = facts.id;
    this.idempotencyKey = facts.idempotencyKey;
    this.retryAfterMs = facts.retryAfterMs;
    this.attempts = facts.attempts;
    this.gaveUp = facts.gaveUp;
  }
}

const detailLengthMax = 500;

function messageOf(call: string, { code, status, fate, problem, attempts, gaveUp }: CallErrorFacts): string {
  const answered = status === undefined ? code : `${status} ${code}`;
  const detail = problem === undefined ? '' : `: ${problem.detail.slice(0, detailLengthMax)}`;
  const told = fate === undefined ? '' : `fate ${fate}, `;
  const times = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  return `${call}: ${answered}${detail} (${told}${times}, gave up: ${gaveUp})`;
}
