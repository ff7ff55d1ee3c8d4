import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';

const migrationsDir = fileURLToPath(new URL('../migrations', import.meta.url));

/**
 * Brings the database forward, each migration in a transaction of its own, under a lock: several at once are harmless.
 * `to`: only the first n (tests of older versions). `adminUrl`: a role that may create roles and schemas. There is no
 * way back but a restore.
 */
export async function migrate(
  adminUrl: string,
  options: { to?: number | undefined } = {},
): Promise<{ made: string[] }> {
  const made = await runner({
    databaseUrl: adminUrl,
    dir: migrationsDir,
    direction: 'up',
    migrationsTable: 'sluice_migration',
    ...(options.to === undefined ? {} : { count: options.to }),
    checkOrder: true,
    advisoryLockMode: 'wait',
    singleTransaction: false,
    log: () => undefined,
  });
  return { made: made.map((migration) => migration.name) };
}
