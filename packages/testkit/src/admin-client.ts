import { type KeyObject, randomUUID } from 'node:crypto';
import { type Code, isCode, SluiceError } from '@sluice/errors';
import { signToken } from '@sluice/registry-protocol';
import type { Exchange } from './description-checker.js';

/** Calls the admin API as an operator. Throws the answer for anything but a success, with the code it bears. */
export interface AdminClient {
  call<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T>;
}

export function createAdminClient(options: {
  readonly baseUrl: () => string;
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly onExchange?: (exchange: Exchange) => void;
}): AdminClient {
  return {
    async call<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
      const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body));
      const token = await signToken({
        privateKey: options.privateKey,
        name: options.name,
        method,
        path,
        body: bytes,
        now: new Date(),
        jti: randomUUID(),
      });
      const response = await fetch(`${options.baseUrl()}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: bytes }),
      });
      const text = await response.text();
      options.onExchange?.({ method, path, status: response.status, headers: response.headers, body: text });
      if (!response.ok) throw new SluiceError(codeOf(text), `${method} ${path}: ${response.status} ${text}`);
      return JSON.parse(text) as T;
    },
  };
}

/** The code of a problem document, or `internal` for an answer that is none. */
function codeOf(text: string): Code {
  try {
    const { code } = JSON.parse(text) as { code?: unknown };
    return typeof code === 'string' && isCode(code) ? code : 'internal';
  } catch {
    return 'internal';
  }
}
