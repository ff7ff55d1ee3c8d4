import { SluiceError } from '@sluice/errors';
import { within } from '@sluice/lifecycle';
import { Redis } from 'ioredis';
import { readRedisUrl } from './redis-address.js';
import { dropConnection, reasonOf, redisUnavailable } from './redis-fault.js';
import { failFastOptions } from './redis-options.js';

const waitMs = 5000;
const versionMin = [6, 2] as const;

/**
 * Is this a Redis that may hold turns: 6.2 or later (or a Valkey), and one that never evicts? A queue's keys that are
 * evicted are turns that silently vanish. Throws SluiceError('config-invalid') that says what to set, 'unavailable' when
 * Redis does not answer within 5 s; the caller decides whether to start without.
 */
export async function assertQueueRedis(redisUrl: string): Promise<void> {
  const { shown } = readRedisUrl(redisUrl);
  const info = await readInfo(redisUrl);
  const version = info.get('redis_version') ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < versionMin[0] || (major === versionMin[0] && minor < versionMin[1])) {
    throw new SluiceError('config-invalid', `Redis at ${shown} is version ${version}; 6.2 or later is needed`);
  }
  const policy = info.get('maxmemory_policy');
  if (policy !== 'noeviction') {
    throw new SluiceError(
      'config-invalid',
      `Redis at ${shown} has maxmemory-policy ${policy ?? 'unknown'} and would evict turns: set it to noeviction`,
    );
  }
}

async function readInfo(redisUrl: string): Promise<Map<string, string>> {
  const client = new Redis({
    ...failFastOptions(redisUrl, 'sluice-check'),
    enableOfflineQueue: true,
    commandTimeout: waitMs,
    retryStrategy: () => null,
  });
  let fault: unknown = new Error(`no answer within ${waitMs} ms`);
  client.on('error', (error) => {
    fault = error;
  });
  try {
    const asked = client.info();
    if (!(await within(waitMs, asked))) throw fault;
    const lines = (await asked).split(/\r?\n/).filter((line) => line.includes(':'));
    return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
  } catch (thrown) {
    // ioredis rejects the command with "Connection is closed" and tells why in the event.
    const reason = /Connection is closed/.test(reasonOf(thrown)) ? reasonOf(fault) : reasonOf(thrown);
    if (/WRONGPASS|NOAUTH|NOPERM/.test(reason)) {
      const { shown } = readRedisUrl(redisUrl);
      throw new SluiceError('config-invalid', `Redis at ${shown} refuses the user or password of the URL`);
    }
    throw redisUnavailable(new Error(reason));
  } finally {
    dropConnection(client);
  }
}
