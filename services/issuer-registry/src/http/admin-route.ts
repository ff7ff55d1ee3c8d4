import { SluiceError } from '@sluice/errors';
import { nameSchema } from '@sluice/registry-protocol';
import type { Request } from 'express';
import type { z } from 'zod';
import type { AdminContext } from '../operations/admin-context.js';
import { parseBody } from './body.js';

/** One call of the admin API. `run` gets a call whose operator is proved, and has the role that the method takes. */
export interface AdminRoute {
  readonly method: 'get' | 'post';
  readonly path: string;
  /** For the description. */
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly answer: z.ZodType;
  readonly run: (context: AdminContext, operator: string, request: Request) => Promise<object>;
}

/** A call that changes nothing: for every operator. */
export function look<A extends z.ZodType<object>>(route: {
  readonly path: string;
  readonly summary: string;
  readonly answer: A;
  readonly run: (context: AdminContext, request: Request) => Promise<object>;
}): AdminRoute {
  return { ...route, method: 'get', run: (context, _, request) => route.run(context, request) };
}

/** A call that changes something, or tries to: from the role operator on. Its body is checked before it runs. */
export function act<B extends z.ZodType>(route: {
  readonly path: string;
  readonly summary: string;
  readonly body: B;
  readonly answer: z.ZodType;
  readonly run: (context: AdminContext, operator: string, body: z.infer<B>, request: Request) => Promise<object>;
}): AdminRoute {
  const run: AdminRoute['run'] = (context, operator, request) =>
    route.run(context, operator, parseBody(request, route.body), request);
  return { ...route, method: 'post', run };
}

/** The `:name` of the path. Throws `not-found` for what nothing can be called. */
export function nameIn(request: Request): string {
  const parsed = nameSchema.safeParse(request.params.name);
  if (parsed.success) return parsed.data;
  throw new SluiceError('not-found', 'Nothing can have that name', { facts: { what_to_do: 'Check the name.' } });
}
