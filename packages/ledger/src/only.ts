import { SluiceError } from '@sluice/errors';
import type { Database, Statement } from './database.js';

/** The one row of a verb that always gives one. */
export async function only<R extends object>(
  database: Database,
  verb: Statement,
  values: readonly unknown[],
): Promise<R> {
  const [row] = await database.call<R>(verb, values);
  if (row === undefined) throw new SluiceError('internal', `${verb.name} gave no row`);
  return row;
}
