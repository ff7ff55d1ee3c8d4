import type { Log } from '@sluice/lifecycle';
import { acknowledgementPath, streamPath } from '@sluice/registry-protocol';
import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { AdminContext } from '../operations/admin-context.js';
import { adminDescriptionPath, createAdminDescription } from './admin-description.js';
import type { AdminRoute } from './admin-route.js';
import { adminRoutes } from './admin-routes.js';
import type { Authenticate } from './authenticate.js';
import { takeBytes } from './body.js';
import { checkRole } from './check-role.js';
import { answerProblem, refuseUnknown } from './problems.js';
import { nameRequest, requestIdOf } from './request-id.js';

export interface AppOptions {
  readonly context: AdminContext;
  readonly authenticateOperator: Authenticate;
  /** GET /v1/stream and POST /v1/acknowledgements: they authenticate services. */
  readonly stream: RequestHandler;
  readonly acknowledgement: RequestHandler;
  readonly monotonicMs: () => number;
  readonly log: Log;
  /** After each call of a known route: `code` is `ok` or the error's. */
  readonly observe: (call: { route: string; code: string; seconds: number }) => void;
}

function serveAdmin(route: AdminRoute, { context, authenticateOperator, log }: AppOptions): RequestHandler {
  return async (request, response) => {
    const { name: operator } = await authenticateOperator(request);
    if (route.method === 'post') await checkRole(context.store, operator, 'operator');
    const answer = await route.run(context, operator, request);
    const dryRun = 'dry_run' in answer && answer.dry_run === true;
    if (route.method === 'post') {
      const facts = { event: 'admin-call', request_id: requestIdOf(response), operator, dryRun };
      log.info(
        { ...facts, path: request.path },
        dryRun ? 'an operator tried a change' : 'an operator changed something',
      );
    }
    response.setHeader('cache-control', 'no-store');
    response.status(route.method === 'post' && !dryRun ? 201 : 200).json(answer);
  };
}

function observed(route: string, { observe, monotonicMs }: AppOptions): RequestHandler {
  return (_request, response, next) => {
    const beganMs = monotonicMs();
    response.once('close', () => {
      const code = String(response.locals.code ?? (response.writableFinished ? 'ok' : 'hung-up'));
      observe({ route, code, seconds: (monotonicMs() - beganMs) / 1000 });
    });
    next();
  };
}

/** Admin API and push. Every route is authenticated; bodies are taken before, bounded, because tokens cover them. */
export function createApp(options: AppOptions): Express {
  const { stream, acknowledgement, log } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.use(nameRequest, helmet(), takeBytes());
  // As text: it need not be written anew for each call.
  const description = JSON.stringify(createAdminDescription(adminRoutes));
  app.get(adminDescriptionPath, (_request, response) => void response.type('application/json').send(description));
  for (const route of adminRoutes) {
    const name = `${route.method.toUpperCase()} ${route.path}`;
    app[route.method](route.path, observed(name, options), serveAdmin(route, options));
  }
  // Not observed: a stream lasts for days.
  app.get(streamPath, stream);
  app.post(acknowledgementPath, observed(`POST ${acknowledgementPath}`, options), acknowledgement);
  app.use(refuseUnknown);
  app.use(answerProblem(log));
  return app;
}
