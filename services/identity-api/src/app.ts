import type { IncomingMessage, ServerResponse } from 'node:http';
import { asSluiceError, type Code, SluiceError } from '@sluice/errors';
import express, { type NextFunction, type Request, type Response } from 'express';
import { type Answer, type HungUp, problemAnswer } from './answer.js';
import type { Call, RoutedCall } from './call.js';
import { createDeleteIdentity } from './delete-identity.js';
import type { Front } from './front.js';
import { createGetDescription } from './get-description.js';
import { createGetIdentity } from './get-identity.js';
import { getProblem, getProblems } from './get-problems.js';
import { createGetProfile, createGetProfiles } from './get-profiles.js';
import { httpRequestId } from './http-request-id.js';
import { createPostIdentity } from './post-identity.js';
import { createPostNonce } from './post-nonce.js';
import { writeAnswer } from './write-answer.js';

type Operation<C extends Call = RoutedCall> = (call: C) => Promise<Answer | HungUp>;
type Method = 'get' | 'post' | 'delete';

/** Headers of one request. Node drops those beyond 2000 in silence, an Idempotency-Key perhaps: this is far below. */
const headersMax = 100;

/** The route of orders. */
const orders = 'POST /identity';

/** The HTTP face: its routes, and what every call has in common. `draining`: refuse what comes anew. */
export function createApp(
  front: Front,
  draining: () => boolean,
): (request: IncomingMessage, response: ServerResponse) => void {
  const app = express();
  const postIdentity = createPostIdentity(front);
  const description = createGetDescription();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  route('/identity', { post: postIdentity });
  route('/identity/:id', { get: createGetIdentity(front), delete: createDeleteIdentity(front) });
  route('/nonce', { post: createPostNonce(front) });
  route('/profiles', { get: createGetProfiles(front) });
  route('/profiles/:name', { get: createGetProfile(front) });
  route('/problems', { get: getProblems });
  route('/problems/:code', { get: getProblem });
  route('/openapi.json', { get: description.openApi });
  route('/docs', { get: description.docs });
  app.use(handler('none', () => Promise.reject(new SluiceError('not-found'))));
  // Express itself throws only for paths that cannot be decoded.
  app.use((_error: unknown, request: Request, response: Response, _next: NextFunction) =>
    handler('none', () => Promise.reject(new SluiceError('id-invalid')))(request, response),
  );
  return (request, response) => {
    // Nearly every call, so it goes straight to its operation: the way through Express costs as much as reading it.
    if (request.method === 'POST' && request.url === '/identity') {
      void answer(orders, { request, response, httpRequestId: idOf(request) }, postIdentity);
    } else app(request, response);
  };

  /** A path with its operations, under the names that metrics and description have for them. */
  function route(path: string, operations: Partial<Record<Method, Operation>>): void {
    const at = app.route(path);
    const written = path.replace(/:(\w+)/g, '{$1}');
    for (const method of ['get', 'post', 'delete'] as const) {
      const operation = operations[method];
      if (operation !== undefined) at[method](handler(`${method.toUpperCase()} ${written}`, operation));
    }
    const methods = Object.keys(operations).map((method) => method.toUpperCase());
    const allow = (methods.includes('GET') ? ['HEAD', ...methods] : methods).join(', ');
    at.all(
      handler('none', async () => {
        const answer = problemAnswer(new SluiceError('method-not-allowed'), { random: front.random });
        return { ...answer, headers: { ...answer.headers, allow } };
      }),
    );
  }

  function handler(route: string, operation: Operation) {
    return (request: Request, response: Response): Promise<void> => {
      const [id] = Object.values(request.params);
      const call: RoutedCall = {
        request,
        response,
        httpRequestId: idOf(request),
        id: typeof id === 'string' ? id : undefined,
        accepts: (mediaTypes) => request.accepts([...mediaTypes]),
      };
      return answer(route, call, operation);
    };
  }

  async function answer<C extends Call>(route: string, call: C, operation: Operation<C>): Promise<void> {
    const { response } = call;
    const given = draining()
      ? drainingAnswer(route, call)
      : await checked(call, operation).catch((thrown: unknown) => refusal(route, thrown));
    if (given === 'hung-up' || response.destroyed) {
      front.metrics.hungUp();
      return;
    }
    if (draining()) response.setHeader('connection', 'close');
    writeAnswer(response, call.httpRequestId, given);
    front.metrics.answered(route, given.status, given.code, given.fate);
    note(route, call, given);
  }

  /** What Node lets pass and no operation should see. */
  async function checked<C extends Call>(call: C, operation: Operation<C>): Promise<Answer | HungUp> {
    const { rawHeaders, headers, httpVersion } = call.request;
    if (rawHeaders.length > 2 * headersMax) throw new SluiceError('headers-too-large');
    if (headers.host === undefined && httpVersion === '1.1') throw new SluiceError('http-invalid', 'There is no Host');
    return await operation(call);
  }

  /** Refused before anything was looked up: nothing is said about what an earlier call under the same key has done. */
  function refusal(route: string, thrown: unknown): Answer {
    const error = asSluiceError(thrown);
    if (route === orders) front.metrics.refused(error.code);
    return problemAnswer(error, { random: front.random });
  }

  function drainingAnswer(route: string, { request }: Call): Answer {
    const newOrder = route === orders && request.headers['idempotency-key'] === undefined;
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

function idOf({ headers }: IncomingMessage): string {
  return httpRequestId(headers['x-request-id']);
}

/** Being full, stopping, or late. */
const ownWays: ReadonlySet<Answer['code']> = new Set<Code>([
  'overloaded',
  'lane-full',
  'account-full',
  'draining',
  'not-issued',
  'withheld',
  'failed',
]);

/** Something here or behind us did not work, other than these. */
function isOurFault({ code, status }: Answer): boolean {
  return status >= 500 && !ownWays.has(code);
}
