import { type Code, codes, type Fate, type SluiceError, toProblem } from '@sluice/errors';
import { LimitReached, rateLimitFields } from './limit-reached.js';
import { retryAfterS } from './retry-after.js';

/** One HTTP answer, before it is written. */
export interface Answer {
  readonly status: number;
  /** An object is sent as JSON; a text (a page) as it is. */
  readonly body: object | string;
  readonly headers: Readonly<Record<string, string>>;
  /** The problem's code; `ok` for a success. A metrics label. */
  readonly code: Code | 'ok';
  readonly fate?: Fate | undefined;
  /** What went wrong, for the log alone. */
  readonly error?: SluiceError | undefined;
}

/** The client hung up: there is nobody to answer. */
export type HungUp = 'hung-up';

/** After these the rest of what the client sends is not worth the reading. */
const closingCodes: ReadonlySet<Code> = new Set([
  'body-too-large',
  'headers-too-large',
  'http-invalid',
  'request-timeout',
]);

/** What belongs to a problem beside its error. */
export interface ProblemContext {
  readonly fate?: Fate | undefined;
  /** A request that goes on, or whose end is to be read there. */
  readonly location?: string | undefined;
  readonly random: () => number;
}

/** An error as an RFC 9457 answer with fate, Retry-After and Location. */
export function problemAnswer(error: SluiceError, context: ProblemContext): Answer {
  const { fate, location, random } = context;
  const retryAfter = error.retryAfterS ?? retryAfterS(error.code, random);
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter);
  if (error instanceof LimitReached) Object.assign(headers, rateLimitFields(error));
  if (location !== undefined) headers.location = location;
  if (error.code === 'unauthorized') headers['www-authenticate'] = 'Bearer';
  if (closingCodes.has(error.code)) headers.connection = 'close';
  return {
    status: codes[error.code].status,
    body: fate === undefined ? toProblem(error) : { ...toProblem(error), fate },
    headers,
    code: error.code,
    fate,
    error,
  };
}

export function jsonAnswer(status: number, body: object, headers: Record<string, string> = {}, fate?: Fate): Answer {
  const allHeaders = Object.assign({ 'content-type': 'application/json' }, headers);
  return { status, body, headers: allHeaders, code: 'ok', fate };
}

/** Where a request is read. */
export function locationOf(requestId: string): string {
  return `/identity/${requestId}`;
}
