import { type Code, SluiceError } from '@sluice/errors';

/** One thing that is wrong with a request body. */
export interface RequestFinding {
  /** RFC 6901, into the request body; empty for the body as a whole. */
  readonly pointer: string;
  readonly code: Code;
  /** In our words: never what the client sent. */
  readonly detail: string;
}

/** A body with more faults than this gets the first ones told. */
const findingsMax = 20;

/**
 * The error that tells all of them: its code, pointer and message are the first one's. `message`: in its place, where
 * the detail is a sentence of its own.
 */
export function refusedFor(
  findings: readonly [RequestFinding, ...RequestFinding[]],
  how: { readonly message?: string; readonly cause?: unknown } = {},
): SluiceError {
  const [{ pointer, code, detail }] = findings;
  const message = how.message ?? `${pointer === '' ? 'The body' : pointer} ${detail}`;
  return new SluiceError(code, message, {
    facts: { pointer, findings: findings.slice(0, findingsMax) },
    cause: how.cause,
  });
}

export function isSome<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0;
}
