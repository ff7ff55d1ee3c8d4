import { type Code, SluiceError, toProblem } from '@sluice/errors';
import type { Clock } from '../clock.js';

export interface WholeAnswer {
  readonly status: number;
  /** A text goes as it is. */
  readonly json: unknown;
  readonly headers?: Record<string, string>;
  readonly afterMs?: number;
}

/** What the service answers, or what becomes of the call on its way. */
export type FakeAnswer =
  | WholeAnswer
  /** Nobody listens. */
  | 'refused'
  /** The connection ends before an answer is whole. */
  | 'reset'
  /** Nothing ever comes. */
  | 'silence';

export interface FakeCall {
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
  readonly answer: FakeAnswer;
  /** When its answer came, or its connection ended; undefined as long as nothing has. */
  endedAtMs: number | undefined;
  /** That what came is the answer, whole. */
  answered: boolean;
}

/** A service behind a `fetch`: each call gets the next answer, and the last one for ever. */
export function createFakeService(clock: Clock, answers: readonly FakeAnswer[]) {
  const calls: FakeCall[] = [];
  const fake = (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const answer = answers[Math.min(calls.length, answers.length - 1)] ?? 'refused';
    const call: FakeCall = {
      atMs: clock.monotonicMs(),
      method: init.method ?? 'GET',
      path: new URL(String(input)).pathname,
      headers: new Headers(init.headers),
      body: typeof init.body === 'string' ? JSON.parse(init.body) : {},
      answer,
      endedAtMs: undefined,
      answered: false,
    };
    calls.push(call);
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => {
        call.endedAtMs ??= clock.monotonicMs();
        reject(cause);
      };
      init.signal?.addEventListener('abort', () => fail(init.signal?.reason));
      if (answer === 'refused') return fail(connectionFault('ECONNREFUSED'));
      if (answer === 'silence') return;
      clock.after(answer === 'reset' ? 20 : (answer.afterMs ?? 20), () => {
        if (answer === 'reset') return fail(connectionFault('ECONNRESET'));
        if (call.endedAtMs !== undefined) return;
        call.answered = true;
        call.endedAtMs = clock.monotonicMs();
        const { status, headers, json } = answer;
        resolve(
          new Response(typeof json === 'string' ? json : JSON.stringify(json), { status, ...(headers && { headers }) }),
        );
      });
    });
  };
  return { calls, fetch: fake as typeof fetch };
}

/** As Node's fetch tells it. */
function connectionFault(code: string): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
}

export const id = '01a1fcb2-67cd-7ead-8c7b-b8de6e1fc1dd';

export const issued: WholeAnswer = {
  status: 201,
  json: {
    ...{ id, serial: '40512b73', signing_cert: 'a certificate', chain: ['its CA', 'the root'] },
    ...{ not_before: '2026-11-21T07:07:34.000Z', not_after: '2027-02-19T07:07:34.000Z' },
  },
};

/** As `issued`, but to who reads. */
export const read: WholeAnswer = { ...issued, status: 200 };

export function continuing(status: 200 | 202, state: string, retryAfterS?: number): WholeAnswer {
  return { status, json: { id, state, fate: 'continuing' }, headers: retryAfter(retryAfterS) };
}

export function open(state: string): WholeAnswer {
  return { status: 200, json: { id, state }, headers: retryAfter(1) };
}

export function problem(code: Code, more: Record<string, unknown> = {}, retryAfterS?: number): WholeAnswer {
  const body = { ...toProblem(new SluiceError(code)), request_id: 'a-request', ...more };
  return { status: body.status, json: body, headers: retryAfter(retryAfterS) };
}

function retryAfter(seconds: number | undefined): Record<string, string> {
  return seconds === undefined ? {} : { 'retry-after': String(seconds) };
}
