import { randomUUID } from 'node:crypto';

const sane = /^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$/;

/**
 * The id under which one HTTP request is found in the log. A client's own (`X-Request-Id`) is kept when it is 8 to 64
 * harmless characters; anything else could forge lines or labels and is replaced.
 */
export function httpRequestId(header: string | string[] | undefined): string {
  return typeof header === 'string' && sane.test(header) ? header : randomUUID();
}
