import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';

const header = 'x-request-id';

/** Names each call, by the caller's own id if it looks like one: the log and the answer carry it. */
export const nameRequest: RequestHandler = (request, response, next) => {
  const given = request.headers[header];
  const id = typeof given === 'string' && /^[A-Za-z0-9-]{8,64}$/.test(given) ? given : randomUUID();
  response.locals.requestId = id;
  response.setHeader(header, id);
  next();
};

export function requestIdOf(response: Response): string {
  return String(response.locals.requestId);
}
