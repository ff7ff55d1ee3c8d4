import { homedir } from 'node:os';
import { join } from 'node:path';

/** What the local stack takes from its surroundings. The only reader of `process.env` in this package. */
export interface Environment {
  /** Folders searched for servers and tools, in order. */
  readonly path: readonly string[];
  /** Where fetched packages are kept: per user, shared by every clone. May not be writable. */
  readonly cacheFolder: string;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly cacheRedisUrl: string | undefined;
  /** Handed to tools and services: enough to run, nothing of ours. */
  readonly base: Readonly<Record<string, string>>;
}

/** Reads the environment anew each time, so that a test may change PATH. An empty variable counts as absent. */
export function environment(env: NodeJS.ProcessEnv = process.env): Environment {
  const base: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'LANG', 'NODE_OPTIONS', 'http_proxy', 'https_proxy', 'no_proxy']) {
    const value = env[name];
    if (value) base[name] = value;
  }
  return {
    path: (env.PATH ?? '').split(':').filter(Boolean),
    cacheFolder: join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'sluice'),
    databaseUrl: env.DATABASE_URL || undefined,
    redisUrl: env.REDIS_URL || undefined,
    cacheRedisUrl: env.CACHE_REDIS_URL || undefined,
    base,
  };
}
