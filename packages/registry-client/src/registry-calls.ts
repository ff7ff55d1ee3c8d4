import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';
import { asSluiceError, isCode, SluiceError } from '@sluice/errors';
import {
  type AcknowledgementBody,
  acknowledgementPath,
  signToken,
  streamMediaType,
  streamPath,
} from '@sluice/registry-protocol';

export interface RegistryCallsOptions {
  /** `http://127.0.0.1:4300` */
  readonly registryUrl: string;
  /** The subscriber's name, under which its public key is registered. */
  readonly name: string;
  /** Ed25519, PKCS#8 PEM. */
  readonly privateKeyPem: string;
  /** For tokens. */
  readonly clock: () => Date;
  /** For an answer, and for each next piece of a stream, in milliseconds. */
  readonly silentAfterMs: number;
}

export interface StreamFrom {
  readonly incarnation: bigint;
  /** Of the state that is held; 0n for none. */
  readonly epoch: bigint;
  /** All of it is asked for, whatever is held. */
  readonly whole: boolean;
}

/** What a subscriber asks of the registry. Nothing is retried here. */
export interface RegistryCalls {
  /**
   * The lines of a new stream: what came after `epoch`, which is had, or the whole state first. Ends when the registry ends it; throws
   * `unavailable` when it is away or silent too long, `fenced` and `unauthorized` as the registry says, and whatever the
   * reader of a damaged line throws.
   */
  stream(from: StreamFrom, signal: AbortSignal): AsyncGenerator<string>;
  /** Throws `conflict` when the registry does not believe it, `unavailable` when it did not answer. Safe to repeat. */
  acknowledge(body: AcknowledgementBody, signal: AbortSignal): Promise<void>;
}

/** Far above what the largest state takes, which is 4.4 MB for the blocked keys and some kB per CA and profile. */
const lineLengthMax = 128 * 1024 * 1024;

/** Throws `config-invalid` when that is no Ed25519 key. */
export function createRegistryCalls(options: RegistryCallsOptions): RegistryCalls {
  const { registryUrl, name, clock, silentAfterMs } = options;
  const privateKey = readPrivateKey(options.privateKeyPem);

  async function call(method: 'GET' | 'POST', path: string, content: string, signal: AbortSignal): Promise<Response> {
    const body = Buffer.from(content);
    const token = await signToken({ privateKey, name, method, path, body, now: clock(), jti: randomUUID() });
    const headers = {
      authorization: `Bearer ${token}`,
      accept: streamMediaType,
      'content-type': 'application/json',
      // A call each 5 s: a kept connection saves nothing, and one that died without a word would cost 10 s.
      connection: 'close',
    };
    const answer = await fetch(new URL(path, registryUrl), {
      ...{ method, headers, signal, redirect: 'error' },
      ...(method === 'POST' ? { body } : {}),
    });
    if (answer.ok) return answer;
    throw refusal(answer.status, await answer.text());
  }

  function refusal(status: number, text: string): SluiceError {
    const facts = { registry: registryUrl, status };
    if (status === 401 || status === 403) {
      return new SluiceError('unauthorized', `The registry does not accept the key of ${name}`, { facts });
    }
    const { code, detail } = problemIn(text);
    const told = code === 'fenced' || code === 'conflict' ? code : 'unavailable';
    return new SluiceError(told, `The registry answered ${status}: ${detail}`, { facts });
  }

  /** One wait for the registry, given up when it is silent for too long, or by the signal. */
  async function heard<Result>(cut: AbortController, waiting: Promise<Result>): Promise<Result> {
    const timer = setTimeout(() => cut.abort(new SluiceError('unavailable', 'The registry is silent')), silentAfterMs);
    let stop = (): void => undefined;
    // Not left to `fetch`: once its own request has been collected as garbage, an abort does not reach the body any more.
    const whenCut = new Promise<never>((_resolve, reject) => {
      stop = () => reject(cut.signal.reason);
      cut.signal.addEventListener('abort', stop, { once: true });
    });
    try {
      cut.signal.throwIfAborted();
      return await Promise.race([waiting, whenCut]);
    } catch (error) {
      const facts = { registry: registryUrl };
      throw asSluiceError(error).code === 'internal'
        ? new SluiceError('unavailable', 'The registry did not answer', { facts, cause: error })
        : error;
    } finally {
      clearTimeout(timer);
      cut.signal.removeEventListener('abort', stop);
    }
  }

  return {
    async *stream({ incarnation, epoch, whole }, signal) {
      const cut = new AbortController();
      const stop = (): void => cut.abort(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
      try {
        signal.throwIfAborted();
        const query = new URLSearchParams({ incarnation: String(incarnation) });
        if (epoch > 0n) query.set('epoch', String(epoch));
        if (whole) query.set('whole', 'true');
        const { body } = await heard(cut, call('GET', `${streamPath}?${query}`, '', cut.signal));
        reader = body?.getReader();
        const read = reader?.read.bind(reader);
        if (read !== undefined) yield* linesOf(() => heard(cut, read()));
      } finally {
        signal.removeEventListener('abort', stop);
        cut.abort();
        reader?.cancel().catch(() => undefined);
      }
    },
    async acknowledge(body, signal) {
      const cut = new AbortController();
      const stop = (): void => cut.abort(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      try {
        await heard(
          cut,
          call('POST', acknowledgementPath, JSON.stringify(body), cut.signal).then((answer) => answer.text()),
        );
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
  };
}

/** Whole lines. Throws for octets that are no UTF-8. */
async function* linesOf(
  read: () => Promise<{ done: boolean; value?: Uint8Array | undefined }>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for (;;) {
    const { done, value } = await read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > lineLengthMax) throw new SluiceError('unavailable', 'A line of the registry does not end');
  }
}

function problemIn(text: string): { code: string | undefined; detail: string } {
  try {
    const { code, detail } = JSON.parse(text) as { code?: unknown; detail?: unknown };
    return { code: typeof code === 'string' && isCode(code) ? code : undefined, detail: String(detail) };
  } catch {
    return { code: undefined, detail: 'not a problem document' };
  }
}

function readPrivateKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (error) {
    throw new SluiceError('config-invalid', 'The service key is not a private key in PEM', { cause: error });
  }
  throw new SluiceError('config-invalid', 'The service key is not an Ed25519 key');
}
