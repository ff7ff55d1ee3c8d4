import { X509Certificate } from 'node:crypto';
import type { Fate } from '@sluice/errors';
import type { Exchange } from './description-checker.js';

/** One answer, or the lack of one, exactly as a client got it. */
export interface Answer {
  /** Order of sending. */
  readonly number: number;
  readonly call: 'POST' | 'GET' | 'DELETE';
  readonly baseUrl: string;
  readonly key?: string | undefined;
  readonly profile?: string | undefined;
  /** Of the subject, as ordered. */
  readonly commonName?: string | undefined;
  readonly sentAt: number;
  readonly endedAt: number;
  /** Absent when the connection failed before an answer was whole. */
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  readonly code?: string | undefined;
  /** What the client may rely on: told in a problem or a 202; `issued` for a 201 (a 200 of a GET says its state). */
  readonly fate?: Fate | undefined;
  readonly state?: string | undefined;
  readonly id?: string | undefined;
  /** As told, lower-case hex without leading zero octets. */
  readonly serial?: string | undefined;
  /** PEM. */
  readonly certificate?: string | undefined;
  /** PEM, issuing CA first, root last. */
  readonly chain?: readonly string[] | undefined;
  readonly retryAfterS?: number | undefined;
  readonly location?: string | undefined;
  readonly body?: unknown;
}

export interface PostOptions {
  readonly profile: string;
  /** The key: a CSR, or a public key with its proof. */
  readonly csr?: string;
  readonly publicKey?: string;
  readonly proof?: Readonly<Record<string, string>>;
  readonly validity?: Readonly<Record<string, string>>;
  readonly subjectDn?: Readonly<Record<string, unknown>>;
  /** Idempotency-Key. */
  readonly key?: string;
  /** Prefer: `wait=N` or `respond-async`. */
  readonly prefer?: string;
  /** Which front end; otherwise they are taken in turn. */
  readonly baseUrl?: string;
}

export interface RecordingClient {
  /** Everything so far, in the order of the answers. */
  readonly answers: readonly Answer[];
  /** Sent and not yet answered. */
  inFlight(): number;
  /** Never rejects: a lost connection is an answer too. */
  post(options: PostOptions): Promise<Answer>;
  get(id: string, baseUrl?: string): Promise<Answer>;
  cancel(id: string, baseUrl?: string): Promise<Answer>;
  /** Front ends may come and go. */
  useBaseUrls(baseUrls: readonly string[]): void;
}

const defaultGiveUpMs = 30_000;

/** A client that remembers every answer it got, for the accounting. */
export function createRecordingClient(options: {
  readonly baseUrls: readonly string[];
  readonly apiKey: string;
  /** After this long without a whole answer it counts as a connection error. */
  readonly giveUpMs?: number;
  /** Hears of every whole answer. */
  readonly onExchange?: (exchange: Exchange) => void;
}): RecordingClient {
  let baseUrls = options.baseUrls;
  let sent = 0;
  let open = 0;
  const answers: Answer[] = [];

  async function call(
    method: Answer['call'],
    baseUrl: string,
    path: string,
    headers: Record<string, string>,
    body: string | undefined,
    known: Pick<Answer, 'key' | 'profile' | 'commonName' | 'id'>,
  ): Promise<Answer> {
    const base = { number: sent++, call: method, baseUrl, ...known, sentAt: Date.now() };
    open += 1;
    let answer: Answer;
    try {
      const response = await fetch(`${baseUrl}${path}`, {
        method,
        headers: { authorization: `Bearer ${options.apiKey}`, ...headers },
        signal: AbortSignal.timeout(options.giveUpMs ?? defaultGiveUpMs),
        ...(body === undefined ? {} : { body }),
      });
      const text = await response.text();
      options.onExchange?.({ method, path, status: response.status, headers: response.headers, body: text });
      answer = { ...base, ...readAnswer(method, response, text), endedAt: Date.now() };
    } catch (error) {
      answer = { ...base, endedAt: Date.now(), error: causeOf(error) };
    }
    open -= 1;
    answers.push(answer);
    return answer;
  }

  const nextUrl = (): string => baseUrls[sent % baseUrls.length] ?? '';
  return {
    answers,
    inFlight: () => open,
    post({ profile, csr, publicKey, proof, validity, subjectDn, key, prefer, baseUrl }) {
      const headers: Record<string, string> = { 'content-type': 'application/json' };
      if (key !== undefined) headers['idempotency-key'] = key;
      if (prefer !== undefined) headers.prefer = prefer;
      const body = JSON.stringify({
        profile,
        subject_dn: subjectDn ?? {},
        csr,
        public_key: publicKey,
        proof,
        validity,
      });
      const name = subjectDn?.common_name;
      const commonName = typeof name === 'string' ? name : undefined;
      return call('POST', baseUrl ?? nextUrl(), '/identity', headers, body, { key, profile, commonName });
    },
    get: (id, baseUrl) => call('GET', baseUrl ?? nextUrl(), `/identity/${id}`, {}, undefined, { id }),
    cancel: (id, baseUrl) => call('DELETE', baseUrl ?? nextUrl(), `/identity/${id}`, {}, undefined, { id }),
    useBaseUrls(newBaseUrls) {
      baseUrls = newBaseUrls;
    },
  };
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}

function readAnswer(method: Answer['call'], response: Response, text: string): Partial<Answer> {
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Not JSON: the status is all it says, and the accounting shows the body.
  }
  const words = (name: string): string | undefined => (typeof body[name] === 'string' ? body[name] : undefined);
  const location = response.headers.get('location') ?? undefined;
  const retryAfter = response.headers.get('retry-after');
  const certificate = words('signing_cert');
  const id = words('id') ?? location?.split('/').at(-1);
  const issued = certificate !== undefined && response.status < 300;
  return {
    status: response.status,
    code: words('code'),
    state: words('state'),
    fate: issued ? 'issued' : (words('fate') as Fate | undefined),
    ...(id === undefined ? {} : { id }),
    ...(method === 'GET' && response.status === 404 ? { code: words('code') ?? 'not-found' } : {}),
    serial: certificate === undefined ? undefined : plainSerial(new X509Certificate(certificate).serialNumber),
    certificate,
    chain: Array.isArray(body.chain) ? body.chain.map(String) : undefined,
    location,
    retryAfterS: retryAfter === null ? undefined : Number(retryAfter),
    body: Object.keys(body).length > 0 ? body : text,
  };
}

/** Lower-case hex, whole octets, without leading zero octets: how two writings of a serial are compared. */
export function plainSerial(hex: string): string {
  const digits = hex.toLowerCase().replace(/^0+/, '');
  return digits.length % 2 === 0 ? digits : `0${digits}`;
}
