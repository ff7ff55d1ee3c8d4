import { type KeyObject, randomUUID } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { signToken } from '@sluice/registry-protocol';
import type { z } from 'zod';

/** One call of the admin API, in an operator's name. */
export type AdminCall = <S extends z.ZodType>(
  method: 'GET' | 'POST',
  path: string,
  answer: S,
  body?: object,
) => Promise<z.output<S>>;

/** Calls the registry at `address` with the operator's key. Throws `internal` with what it answered when it refuses. */
export function createAdminCall(address: string, operator: { name: string; privateKey: KeyObject }): AdminCall {
  return async (method, path, schema, body) => {
    const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body));
    const token = await signToken({ ...operator, method, path, body: bytes, now: new Date(), jti: randomUUID() });
    const answer = await fetch(`http://${address}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: bytes }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new SluiceError('internal', `${method} ${path} was answered ${answer.status}: ${text}`);
    return schema.parse(JSON.parse(text));
  };
}
