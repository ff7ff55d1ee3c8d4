import { SluiceError } from '@sluice/errors';
import { nameSchema } from '@sluice/registry-protocol';
import type { Request } from 'express';
import type { AdminContext } from '../operations/admin-context.js';

/** One call of the admin API. `run` gets a call whose operator is proved. */
export interface AdminRoute {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly run: (context: AdminContext, operator: string, request: Request) => Promise<object>;
}

/** The `:name` of the path. Throws `not-found` for what nothing can be called. */
export function nameIn(request: Request): string {
  const parsed = nameSchema.safeParse(request.params.name);
  if (parsed.success) return parsed.data;
  throw new SluiceError('not-found', 'Nothing can have that name', { facts: { what_to_do: 'Check the name.' } });
}
