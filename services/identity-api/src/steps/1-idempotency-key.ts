import type { IncomingMessage } from 'node:http';
import { SluiceError } from '@sluice/errors';

const printable = /^[\x20-\x7e]{1,255}$/;

/**
 * Step 1: the Idempotency-Key, taken as it stands (with quotes, where a client writes it as a structured string).
 * `undefined` without the header; throws `key-invalid` for an empty, long, unprintable or repeated one.
 */
export function readIdempotencyKey(request: IncomingMessage): string | undefined {
  const value = request.headers['idempotency-key'];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !printable.test(value)) throw new SluiceError('key-invalid');
  // Node joins repeated headers with a comma; only then is the dearer look worth it.
  if (value.includes(', ') && (request.headersDistinct['idempotency-key']?.length ?? 0) > 1) {
    throw new SluiceError('key-invalid', 'The Idempotency-Key stands there more than once');
  }
  return value;
}
