import { type Clock, pause } from './clock.js';

/** The certificate and its chain take some kB. */
const answerBytesMax = 1024 * 1024;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the base URL: `/identity`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A whole answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** None, or none that is whole. */
export interface NoAnswer {
  readonly status?: undefined;
  readonly cause: unknown;
  /** False when there was not even a connection: then nobody has the request. */
  readonly sent: boolean;
}

export interface HttpLimits {
  /** For the whole answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One call, never repeated here. Rejects only with the signal's reason. */
export type Http = (request: HttpRequest, limits: HttpLimits) => Promise<HttpAnswer | NoAnswer>;

/** `baseUrl`: without a slash at its end. */
export function createHttp(baseUrl: string, apiKey: string, fetch: typeof globalThis.fetch, clock: Clock): Http {
  return async ({ method, path, headers, body }, { timeoutMs, signal }) => {
    signal?.throwIfAborted();
    const cut = new AbortController();
    const stop = (): void => cut.abort(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    const calling = async (): Promise<HttpAnswer> => {
      const response = await fetch(`${baseUrl}${path}`, {
        ...{ method, signal: cut.signal, redirect: 'manual' },
        headers: {
          ...headers,
          authorization: `Bearer ${apiKey}`,
          accept: 'application/json, application/problem+json',
        },
        ...(body === undefined ? {} : { body }),
      });
      return { status: response.status, headers: response.headers, text: await boundedText(response) };
    };
    const over = new Error(`No whole answer within ${Math.round(timeoutMs)} ms`);
    // Not left to `fetch` alone: once its request has been collected as garbage, an abort does not reach the body.
    const timeOver = pause(clock, timeoutMs, cut.signal).then(() => Promise.reject(over));
    try {
      return await Promise.race([calling(), timeOver]);
    } catch (cause) {
      signal?.throwIfAborted();
      return { cause, sent: !neverConnected(cause) };
    } finally {
      signal?.removeEventListener('abort', stop);
      cut.abort();
    }
  };
}

/** Throws when it is too long, or no UTF-8. */
async function boundedText({ body }: Response): Promise<string> {
  if (body === null) return '';
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  for await (const piece of body as ReadableStream<Uint8Array>) {
    bytes += piece.byteLength;
    if (bytes > answerBytesMax) throw new Error(`The answer has more than ${answerBytesMax} bytes`);
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}

/** What says that no connection came about; anything else may have happened after the request was sent. */
const connectFaults: ReadonlySet<unknown> = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'],
]);

function neverConnected(fault: unknown): boolean {
  if (!(fault instanceof Error)) return false;
  const { cause } = fault;
  return cause instanceof Error && 'code' in cause && connectFaults.has(cause.code);
}
