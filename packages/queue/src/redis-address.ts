import { SluiceError } from '@sluice/errors';
import type { RedisOptions } from 'ioredis';

export interface RedisAddress {
  /** Host, port, user, password, database and TLS, as ioredis takes them. */
  readonly options: RedisOptions;
  /** `host:port/db`, fit for a log: without user and password. */
  readonly shown: string;
}

/**
 * Reads `redis://[user]:password@host:port/db`, or `rediss://` for TLS; user and password percent-encoded.
 * Throws SluiceError('config-invalid') that does not show the URL, because the password is in it.
 */
export function readRedisUrl(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const db = Number(url?.pathname.replace(/^\//, '') || 0);
  if (!url || !/^rediss?:$/.test(url.protocol) || url.hostname === '' || !Number.isInteger(db)) {
    throw new SluiceError('config-invalid', 'The Redis URL is not redis://[user]:password@host:port/db (or rediss://)');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || 6379);
  const username = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  return {
    options: {
      host,
      port,
      db,
      ...(username ? { username } : {}),
      ...(password ? { password } : {}),
      ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
    },
    shown: `${host}:${port}/${db}`,
  };
}
