import { randomUUID } from 'node:crypto';
import { type Code, codes, SluiceError } from '@sluice/errors';
import { signToken } from '@sluice/registry-protocol';
import { z } from 'zod';
import type { Config } from './config.js';

/** The admin API as this operator. */
export interface RegistryApi {
  get<S extends z.ZodType>(path: string, answer: S): Promise<z.infer<S>>;
  /** Never repeated by itself: when no answer came, throws `outcome-unknown`. */
  post<S extends z.ZodType>(path: string, body: object, answer: S): Promise<z.infer<S>>;
}

const timeoutMs = 10_000;

const problemSchema = z.looseObject({
  code: z.string(),
  title: z.string(),
  detail: z.string(),
  what_to_do: z.string(),
  request_id: z.string().optional(),
});

function isCode(text: string): text is Code {
  return Object.hasOwn(codes, text);
}

/** What the registry said, as an error here: its words, its advice, its request id. */
function refusalOf(status: number, text: string): SluiceError {
  try {
    const { code, detail, ...facts } = problemSchema.parse(JSON.parse(text));
    return new SluiceError(isCode(code) ? code : 'internal', detail, { facts });
  } catch (cause) {
    return new SluiceError('internal', `The registry answered ${status}, and not as a registry does`, {
      cause,
      facts: { what_to_do: 'Check that --registry is the address of an issuer-registry.' },
    });
  }
}

function neverArrived(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EHOSTUNREACH';
}

function noAnswer(url: string, mayHaveChanged: boolean, cause: unknown): SluiceError {
  if (!mayHaveChanged) {
    return new SluiceError('unavailable', `The registry at ${url} does not answer`, {
      cause,
      facts: { what_to_do: 'Check that it runs (npm start) and that --registry is its address.' },
    });
  }
  return new SluiceError('outcome-unknown', `The registry at ${url} did not say whether the change was made`, {
    cause,
    facts: {
      what_to_do:
        'Look before you try again: sluice ca ls, sluice profile ls, sluice account ls, sluice queue receipts, sluice key blocked.',
    },
  });
}

export function createRegistryApi(config: Config, now: () => Date): RegistryApi {
  const { registryUrl, operator, privateKey } = config;

  async function call(method: 'GET' | 'POST', path: string, bodyText: string): Promise<unknown> {
    const body = Buffer.from(bodyText);
    const jti = randomUUID();
    const token = await signToken({ privateKey, name: operator, method, path, body, now: now(), jti });
    const sent = method === 'GET' ? {} : { body };
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const signal = AbortSignal.timeout(timeoutMs);
    let status: number;
    let text: string;
    try {
      const answer = await fetch(`${registryUrl}${path}`, { method, headers, signal, redirect: 'error', ...sent });
      status = answer.status;
      text = await answer.text();
    } catch (error) {
      throw noAnswer(registryUrl, method === 'POST' && !neverArrived(error), error);
    }
    if (status < 200 || status > 299) throw refusalOf(status, text);
    try {
      return JSON.parse(text);
    } catch {
      throw refusalOf(status, text);
    }
  }

  function read<S extends z.ZodType>(answer: S, json: unknown): z.infer<S> {
    const parsed = answer.safeParse(json);
    if (parsed.success) return parsed.data;
    throw new SluiceError('internal', 'The registry answered in a form this sluice does not know', {
      cause: parsed.error,
      facts: { what_to_do: 'Use the sluice command of the same version as the registry.' },
    });
  }

  return {
    get: async (path, answer) => read(answer, await call('GET', path, '')),
    post: async (path, body, answer) => read(answer, await call('POST', path, JSON.stringify(body))),
  };
}
