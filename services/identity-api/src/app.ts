import type { ServerResponse } from 'node:http';
import { asSluiceError, SluiceError } from '@sluice/errors';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import helmet, { type HelmetOptions } from 'helmet';
import { type Answer, type HungUp, problemAnswer } from './answer.js';
import type { Call } from './call.js';
import { createDeleteIdentity } from './delete-identity.js';
import type { Front } from './front.js';
import { createGetIdentity } from './get-identity.js';
import { httpRequestId } from './http-request-id.js';
import { createPostIdentity } from './post-identity.js';

/** What matters for answers that are JSON and never a page; each further header costs every answer its writing. */
const securityHeaders: HelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
  },
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  referrerPolicy: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xFrameOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
};

type Operation = (call: Call) => Promise<Answer | HungUp>;

/** The HTTP face: routes, and the one place where answers are written. `draining`: refuse what comes anew. */
export function createApp(front: Front, draining: () => boolean): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.use(helmet(securityHeaders));
  app.post('/identity', handler('POST /identity', createPostIdentity(front)));
  app.get('/identity/:id', handler('GET /identity/{id}', createGetIdentity(front)));
  app.delete('/identity/:id', handler('DELETE /identity/{id}', createDeleteIdentity(front)));
  app.use(handler('none', () => Promise.reject(new SluiceError('not-found'))));
  // Express itself throws only for paths that cannot be decoded.
  app.use((_error: unknown, request: Request, response: Response, _next: NextFunction) =>
    handler('none', () => Promise.reject(new SluiceError('id-invalid')))(request, response),
  );
  return app;

  function handler(route: string, operation: Operation) {
    return async (request: Request, response: Response): Promise<void> => {
      const id = request.params.id;
      const call: Call = {
        request,
        response,
        httpRequestId: httpRequestId(request.headers['x-request-id']),
        id: typeof id === 'string' ? id : undefined,
      };
      const answer = draining() ? drainingAnswer(call) : await operation(call).catch(refusal);
      if (answer === 'hung-up' || response.destroyed) {
        front.metrics.hungUp();
        return;
      }
      if (draining() || answer.code === 'body-too-large') response.setHeader('connection', 'close');
      write(response, call.httpRequestId, answer);
      front.metrics.answered(route, answer.status, answer.code, answer.fate);
      note(route, call, answer);
    };
  }

  /** Refused before anything was looked up: nothing is said about what an earlier call under the same key has done. */
  function refusal(thrown: unknown): Answer {
    return problemAnswer(asSluiceError(thrown), { random: front.random });
  }

  function drainingAnswer({ request }: Call): Answer {
    const newOrder = request.method === 'POST' && request.headers['idempotency-key'] === undefined;
    const fate = newOrder ? ('not-issued' as const) : undefined;
    return problemAnswer(new SluiceError('draining'), { fate, random: front.random });
  }

  function note(route: string, call: Call, answer: Answer): void {
    const facts = { event: 'answered', requestId: call.httpRequestId, route, status: answer.status, code: answer.code };
    if (answer.error !== undefined && isOurFault(answer)) {
      front.log.warn({ ...facts, err: answer.error }, 'a request could not be answered as it should');
    } else front.log.debug(facts, 'answered');
  }
}

/** Something here or behind us did not work, other than being full, stopping, or late. */
function isOurFault({ code, status }: Answer): boolean {
  return status >= 500 && !['lane-full', 'draining', 'not-issued', 'withheld', 'failed'].includes(code);
}

function write(response: ServerResponse, requestId: string, answer: Answer): void {
  const { status, headers, body, code } = answer;
  const text = JSON.stringify(code === 'ok' ? body : { ...body, request_id: requestId });
  response.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    vary: 'Prefer, Authorization',
    'x-request-id': requestId,
  });
  response.end(text);
}
