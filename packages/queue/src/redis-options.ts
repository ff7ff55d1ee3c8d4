import type { RedisOptions } from 'ioredis';
import { readRedisUrl } from './redis-address.js';

/** Reconnects within about a second once Redis is back, without all processes knocking at the same moment. */
function retryDelayMs(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), 1000) * (0.75 + Math.random() / 2);
}

function baseOptions(redisUrl: string, connectionName: string): RedisOptions {
  return {
    ...readRedisUrl(redisUrl).options,
    connectionName,
    connectTimeout: 2000,
    keepAlive: 5000,
    retryStrategy: retryDelayMs,
    // After a failover the old primary answers READONLY: reconnect, and send the command again.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
    enableAutoPipelining: false,
  };
}

/** For callers who must not wait: a command is refused at once while Redis is away, and never sent twice. */
export function failFastOptions(redisUrl: string, connectionName: string): RedisOptions {
  return {
    ...baseOptions(redisUrl, connectionName),
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    commandTimeout: 1000,
  };
}

/** For workers and subscribers, which have nothing to do but wait for Redis (BullMQ demands `null`). */
export function patientOptions(redisUrl: string, connectionName: string): RedisOptions {
  return { ...baseOptions(redisUrl, connectionName), maxRetriesPerRequest: null };
}
