import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '@sluice/errors';
import { environment } from './environment.js';
import { type OwnPostgres, removePostgres, startPostgres } from './postgres.js';
import { type OwnRedis, startRedis, stopRedisIn } from './redis.js';
import { requirePostgres, requireRedis } from './server-requirements.js';

/** Servers to work with. `own` is there when it is ours to stop, kill and restart. */
export interface Servers {
  readonly postgres: { readonly adminUrl: string; readonly own?: OwnPostgres };
  /** Never evicts. */
  readonly queueRedis: { readonly url: string; readonly own?: OwnRedis };
  /** Evicts: for what can be computed again. */
  readonly cacheRedis: { readonly url: string; readonly own?: OwnRedis };
  /** Stops what is ours, the database last. */
  stop(): Promise<void>;
}

export interface ServersOptions {
  /** Everything of ours lies below it. */
  readonly dir: string;
  /** Begin anew: what lies there is stopped and deleted first. Refused with a DATABASE_URL, which is not ours to empty. */
  readonly fresh?: boolean;
  /** Servers of our own, whatever DATABASE_URL, REDIS_URL and CACHE_REDIS_URL say: for tests, which kill them. */
  readonly own?: boolean;
  /** Told what is being done, a line each. */
  readonly onProgress?: (line: string) => void;
}

/**
 * Starts or adopts a PostgreSQL and two Redis, or takes those of DATABASE_URL, REDIS_URL and CACHE_REDIS_URL, and
 * checks that they can be used. When one fails, those of ours that already run are stopped again.
 */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const around = environment();
  const databaseUrl = options.own ? undefined : around.databaseUrl;
  const redisUrl = options.own ? undefined : around.redisUrl;
  const cacheRedisUrl = options.own ? undefined : around.cacheRedisUrl;
  const tell = options.onProgress ?? (() => undefined);
  const folder = foldersIn(options.dir);
  if (options.fresh) {
    if (!options.own) refuseFresh();
    await removeServers(options.dir);
  }
  const running: { stop(): Promise<void> }[] = [];
  const own = async <S extends { stop(): Promise<void>; adopted: boolean }>(
    name: string,
    start: () => Promise<S>,
  ): Promise<S> => {
    tell(`${name}: starting`);
    const server = await start();
    running.unshift(server);
    if (server.adopted) tell(`${name}: was still running; goes on`);
    return server;
  };
  const stop = async (): Promise<void> => {
    for (const server of running) await server.stop();
  };
  try {
    const postgres =
      databaseUrl === undefined ? await own('PostgreSQL', () => startPostgres({ dir: folder.postgres })) : undefined;
    await requirePostgres(postgres?.adminUrl ?? databaseUrl ?? '');
    const queue =
      redisUrl === undefined
        ? await own('Redis (queue)', () => startRedis({ dir: folder.queue, policy: 'noeviction' }))
        : undefined;
    await requireRedis(queue?.url ?? redisUrl ?? '', 'noeviction');
    const cache =
      cacheRedisUrl === undefined
        ? await own('Redis (cache)', () => startRedis({ dir: folder.cache, policy: 'allkeys-lru' }))
        : undefined;
    await requireRedis(cache?.url ?? cacheRedisUrl ?? '', 'allkeys-lru');
    return {
      postgres: { adminUrl: postgres?.adminUrl ?? databaseUrl ?? '', ...(postgres && { own: postgres }) },
      queueRedis: { url: queue?.url ?? redisUrl ?? '', ...(queue && { own: queue }) },
      cacheRedis: { url: cache?.url ?? cacheRedisUrl ?? '', ...(cache && { own: cache }) },
      stop,
    };
  } catch (fault) {
    await stop();
    throw fault;
  }
}

/** Throws `config-invalid` when beginning anew would mean to empty a database that is not ours. */
export function refuseFresh(): void {
  if (environment().databaseUrl === undefined) return;
  throw new SluiceError(
    'config-invalid',
    '--fresh would empty the database of DATABASE_URL, which is not ours: empty it yourself, or unset DATABASE_URL',
  );
}

/** Stops the servers of ours below `dir`, also those a killed launcher left, and deletes their data. */
export async function removeServers(dir: string): Promise<void> {
  const folder = foldersIn(dir);
  await removePostgres(folder.postgres);
  for (const redis of [folder.queue, folder.cache]) {
    if (!existsSync(redis)) continue;
    await stopRedisIn(redis);
    rmSync(redis, { recursive: true, force: true });
  }
}

function foldersIn(dir: string) {
  return { postgres: join(dir, 'postgres'), queue: join(dir, 'redis-queue'), cache: join(dir, 'redis-cache') };
}
