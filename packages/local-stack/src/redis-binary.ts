import { SluiceError } from '@sluice/errors';
import { fetchDebianTool, findOnPath, type Tool } from './debian-tool.js';
import { environment } from './environment.js';

/** valkey-server or redis-server from PATH, else the distribution's, fetched into the cache folder. */
export async function redisBinary(): Promise<Tool> {
  for (const name of ['valkey-server', 'redis-server']) {
    const path = findOnPath(name);
    if (path !== undefined) return { path, env: environment().base };
  }
  try {
    return await fetchDebianTool(['redis-server', 'redis-tools'], 'redis-server');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('unavailable', `There is no Redis to start. ${advice()} (${reason})`, { cause });
  }
}

function advice(): string {
  const install =
    process.platform === 'darwin'
      ? 'Install it with `brew install valkey`'
      : 'Install valkey or redis with your package manager (`apt install redis-server`, `dnf install valkey`, `apk add valkey`)';
  return `${install}, or set REDIS_URL to a Redis 6.2 or later with maxmemory-policy noeviction.`;
}
