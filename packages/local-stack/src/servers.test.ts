import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '@sluice/errors';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDatabase } from './database.js';
import { removePostgres, startPostgres } from './postgres.js';
import { startRedis } from './redis.js';
import { isAlive } from './server-process.js';
import { requirePostgres, requireRedis } from './server-requirements.js';
import { startServers } from './servers.js';
import { findNobody } from './unprivileged.js';

let dir: string;
const started: { stop(): Promise<void> }[] = [];
const keep = <S extends { stop(): Promise<void> }>(server: S): S => {
  started.push(server);
  return server;
};

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-stack-')));
});
afterEach(async () => {
  for (const server of started.splice(0)) await server.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function sql<Row extends object>(url: string, text: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

async function redis<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    client.disconnect();
  }
}

describe('PostgreSQL', () => {
  // Making a cluster takes longer than all else here: two tests share one.
  let cluster: string;
  beforeAll(() => {
    cluster = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-cluster-')));
  });
  afterAll(() => rmSync(cluster, { recursive: true, force: true }));

  test('keeps what was committed over kill -9, on the same port; UTF-8; password needed; its files are ours alone', async () => {
    const server = keep(await startPostgres({ dir: cluster }));
    const url = await createDatabase(server.adminUrl, 'test');
    await sql(url, `CREATE TABLE kept AS SELECT 'ü' AS word`);
    const before = server.pid;
    await server.kill9();
    await server.restart();
    expect(server.pid).not.toBe(before);
    expect(await sql(url, 'SELECT word FROM kept')).toEqual([{ word: 'ü' }]);
    expect(await sql(url, 'SHOW server_encoding')).toEqual([{ server_encoding: 'UTF8' }]);
    await expect(sql(url.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1')).rejects.toThrow(/password/);
    expect(statSync(join(cluster, 'password')).mode & 0o777).toBe(0o600);
    await requirePostgres(server.adminUrl);
  });

  test('as another user, when user namespaces are not to be had', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('only root can become another user');
    const server = keep(await startPostgres({ dir, runAs: findNobody() }));
    expect(await sql(server.adminUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await removePostgres(dir);
    expect(isAlive(server.pid)).toBe(false);
  });

  test('one that may forget a commit is refused, with every reason', async () => {
    const settings = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };
    const server = keep(await startPostgres({ dir: cluster, settings }));
    const reasons = /fsync is off.*full_page_writes is off.*synchronous_commit is off/;
    await expect(requirePostgres(server.adminUrl)).rejects.toThrow(reasons);
    // The next start does not adopt what runs otherwise than it wants.
    const next = keep(await startPostgres({ dir: cluster }));
    expect(next.adopted).toBe(false);
    await requirePostgres(next.adminUrl);
  });
});

describe('Redis', () => {
  test('the queue keeps its jobs over a restart, and needs the password', async () => {
    const server = keep(await startRedis({ dir, policy: 'noeviction' }));
    await requireRedis(server.url, 'noeviction');
    await redis(server.url, (client) => client.set('kept', '1'));
    await server.restart();
    expect(await redis(server.url, (client) => client.get('kept'))).toBe('1');
    await server.kill9();
    await server.restart();
    expect(await redis(server.url, (client) => client.get('kept'))).toBe('1');
    const wrong = server.url.replace(/:[^:@]+@/, ':wrong@');
    await expect(redis(wrong, (client) => client.ping())).rejects.toThrow();
    expect(statSync(join(dir, 'redis.conf')).mode & 0o777).toBe(0o600);
  });

  test('one that evicts is refused for the queue, and good enough for a cache', async () => {
    const server = keep(await startRedis({ dir, policy: 'allkeys-lru' }));
    await expect(requireRedis(server.url, 'noeviction')).rejects.toThrow(/must be noeviction/);
    await requireRedis(server.url, 'allkeys-lru');
  });

  test('a frozen one is told by its silence, and replaced by the next start', async () => {
    const server = await startRedis({ dir, policy: 'noeviction' });
    server.freeze();
    const next = keep(await startRedis({ dir, policy: 'noeviction' }));
    expect(next.adopted).toBe(false);
    expect(isAlive(server.pid)).toBe(false);
  });
});

describe('startServers', () => {
  test('goes on with what a killed launcher left running; fresh begins anew', async () => {
    const entry = new URL('../dist/index.js', import.meta.url).href;
    const script = `const { startServers } = await import(${JSON.stringify(entry)});
      const { postgres, queueRedis } = await startServers({ dir: ${JSON.stringify(dir)}, own: true });
      console.log(JSON.stringify([postgres.own.pid, queueRedis.own.pid]));
      setInterval(() => undefined, 1000);`;
    const launcher = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(launcher.stdout, 'data')) as [Buffer];
    const ended = once(launcher, 'exit');
    launcher.kill('SIGKILL');
    await ended;

    const again = keep(await startServers({ dir, own: true }));
    expect([again.postgres.own?.pid, again.queueRedis.own?.pid]).toEqual(JSON.parse(line.toString()));
    expect(again.postgres.own?.adopted && again.queueRedis.own?.adopted && again.cacheRedis.own?.adopted).toBe(true);
    await sql(again.postgres.adminUrl, 'CREATE TABLE kept ()');

    const fresh = keep(await startServers({ dir, own: true, fresh: true }));
    expect(await sql(fresh.postgres.adminUrl, `SELECT to_regclass('kept') AS kept`)).toEqual([{ kept: null }]);
    expect(isAlive(again.postgres.own?.pid ?? 0)).toBe(false);
  });

  test('fresh does not empty a database that is not ours', async () => {
    process.env.DATABASE_URL = 'postgres://somebody@127.0.0.1:1/theirs';
    try {
      await expect(startServers({ dir, fresh: true })).rejects.toThrow(SluiceError);
      await expect(startServers({ dir, fresh: true })).rejects.toThrow(/not ours/);
      await expect(startServers({ dir })).rejects.toThrow(/PostgreSQL does not answer/);
    } finally {
      delete process.env.DATABASE_URL;
    }
  });
});
