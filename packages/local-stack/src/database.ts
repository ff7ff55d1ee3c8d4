import { randomBytes } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { Client } from 'pg';

/**
 * A new empty database on a running server, for a test of its own: `prefix` (letters, digits, underscores) and random
 * digits. Returns the URL to it with the same user.
 */
export async function createDatabase(adminUrl: string, prefix: string): Promise<string> {
  return ensureDatabase(adminUrl, `${prefix}_${randomBytes(4).toString('hex')}`);
}

/** The URL to the database `name` on that server; made when it is not there. */
export async function ensureDatabase(adminUrl: string, name: string): Promise<string> {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) throw new SluiceError('internal', `"${name}" is no database name`);
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${name} TEMPLATE template0`);
  } finally {
    await client.end();
  }
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}
