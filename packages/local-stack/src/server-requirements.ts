import { SluiceError } from '@sluice/errors';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import type { EvictionPolicy } from './redis.js';

const oldestPostgres = 170_000;
const oldestRedis = [6, 2] as const;

/**
 * Refuses (`config-invalid`) a PostgreSQL that is too old or may forget a commit it has acknowledged; `unavailable`
 * when it cannot be asked.
 */
export async function requirePostgres(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000, query_timeout: 5000 });
  client.on('error', () => undefined); // told by the rejected query as well
  try {
    await client.connect();
    const { rows } = await client.query<{
      version: number;
      label: string;
      fsync: string;
      pages: string;
      commit: string;
    }>(
      `SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS label,
              current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages,
              current_setting('synchronous_commit') AS commit`,
    );
    const said = rows[0];
    const faults: string[] = [];
    if (!said || said.version < oldestPostgres) faults.push(`it is version ${said?.label}; 17 or later is needed`);
    if (said?.fsync === 'off') faults.push('fsync is off: a crash could lose or tear what was acknowledged');
    if (said?.pages === 'off') faults.push('full_page_writes is off: a crash could tear pages');
    if (said?.commit === 'off') faults.push('synchronous_commit is off: a crash could lose what was acknowledged');
    if (faults.length > 0) throw new SluiceError('config-invalid', `PostgreSQL cannot be used: ${faults.join('; ')}`);
  } catch (cause) {
    if (cause instanceof SluiceError) throw cause;
    throw new SluiceError('unavailable', `PostgreSQL does not answer: ${textOf(cause)}`, { cause });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Refuses (`config-invalid`) a Redis that is too old or, for the queue, may evict; `unavailable` when it does not answer. */
export async function requireRedis(url: string, policy: EvictionPolicy): Promise<void> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 5000,
    commandTimeout: 5000,
    retryStrategy: () => null,
  });
  let lastError: unknown;
  client.on('error', (fault) => {
    lastError = fault;
  });
  try {
    await client.connect();
    const info = await client.info();
    const version = field(info, 'redis_version');
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major < oldestRedis[0] || (major === oldestRedis[0] && minor < oldestRedis[1])) {
      throw new SluiceError('config-invalid', `Redis cannot be used: it is version ${version}; 6.2 or later is needed`);
    }
    const found = field(info, 'maxmemory_policy');
    if (policy === 'noeviction' && found !== 'noeviction') {
      throw new SluiceError(
        'config-invalid',
        `Redis cannot be used for the queue: maxmemory-policy is ${found}; it must be noeviction, or turns would vanish`,
      );
    }
  } catch (cause) {
    if (cause instanceof SluiceError) throw cause;
    throw new SluiceError('unavailable', `Redis does not answer: ${textOf(lastError ?? cause)}`, { cause });
  } finally {
    client.disconnect();
  }
}

function field(info: string, name: string): string {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
}

function textOf(fault: unknown): string {
  return fault instanceof Error ? fault.message || fault.name : String(fault);
}
