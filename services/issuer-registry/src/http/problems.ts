import { asSluiceError, SluiceError, toProblem } from '@sluice/errors';
import type { Log } from '@sluice/lifecycle';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { requestIdOf } from './request-id.js';

/** What the body reader and the router say in their own words, in ours. */
function translated(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const type = thrown instanceof Error && 'type' in thrown ? thrown.type : undefined;
  if (type === 'entity.too.large') return new SluiceError('body-too-large', undefined, { cause: thrown });
  if (type === 'encoding.unsupported') {
    return new SluiceError('media-type', 'Compressed bodies are not taken', { cause: thrown });
  }
  if (thrown instanceof Error && 'status' in thrown && thrown.status === 400) {
    return new SluiceError('body-invalid', 'The call could not be read', { cause: thrown });
  }
  return asSluiceError(thrown);
}

export const refuseUnknown: RequestHandler = (request) => {
  throw new SluiceError('not-found', `There is no ${request.method} ${request.path}`, {
    facts: { what_to_do: 'Check the address.' },
  });
};

/** The one place that turns an error into an answer: an RFC 9457 problem with the request id, never a stack. */
export function answerProblem(log: Log): ErrorRequestHandler {
  return (thrown: unknown, request, response, next) => {
    const error = translated(thrown);
    const problem = { ...toProblem(error), request_id: requestIdOf(response) };
    const facts = { event: 'call-failed', request_id: problem.request_id, code: error.code, method: request.method };
    if (error.code === 'internal') log.error({ ...facts, err: thrown }, 'a call failed by a fault of ours');
    else if (problem.status >= 500) log.warn({ ...facts, err: error }, 'a call could not be done');
    if (response.headersSent) {
      next(thrown);
      return;
    }
    response.locals.code = error.code;
    if (problem.status === 503) response.setHeader('retry-after', '1');
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  };
}
