import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '@sluice/errors';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';
import { redisBinary } from './redis-binary.js';
import { keptSecret, readIfThere, writeSecretFile } from './secret-file.js';
import {
  isAlive,
  killServer,
  processesIn,
  signal,
  startDetached,
  stopServer,
  waitUntilReady,
} from './server-process.js';

export type EvictionPolicy = 'noeviction' | 'allkeys-lru';

/** A Redis of our own. It goes on after this process: whoever started it stops it. */
export interface OwnRedis {
  /** redis:// URL with the password in it. */
  readonly url: string;
  readonly port: number;
  /** Another one after `restart`. */
  readonly pid: number;
  /** True when it was found running, left by a launcher that was killed. */
  readonly adopted: boolean;
  /** SIGTERM: writes what is to be written. SIGKILL after 10 s. */
  stop(): Promise<void>;
  kill9(): Promise<void>;
  /** SIGSTOP: it takes connections and answers nothing, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port and data after `stop` or `kill9`; stops it first when it runs. */
  restart(): Promise<void>;
}

export interface RedisOptions {
  /** Keeps data, configuration with the password, port and log. Made when missing (0700). */
  readonly dir: string;
  readonly policy: EvictionPolicy;
  /** Keep an append-only file, written out every second. Default: for `noeviction`. */
  readonly appendonly?: boolean;
  /** Otherwise the remembered one, or a free one. */
  readonly port?: number;
}

const startWaitMs = 30_000;
const stopWaitMs = 10_000;

/** Starts, or adopts, the Redis whose files lie in `options.dir`. Returns when it answers. Throws `unavailable`. */
export async function startRedis(options: RedisOptions): Promise<OwnRedis> {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  const dir = realpathSync(options.dir);
  const password = keptSecret(join(dir, 'password'));
  const portFile = join(dir, 'port');
  const remembered = options.port ?? (Number(readIfThere(portFile)) || undefined);
  const urlAt = (port: number): string => `redis://:${password}@127.0.0.1:${port}/0`;
  const configFile = join(dir, 'redis.conf');
  const wanted = (port: number): string => configuration(options, dir, port, password);

  const found = await adopt(dir, async () => {
    return remembered !== undefined && readIfThere(configFile) === wanted(remembered) && answers(urlAt(remembered));
  });
  const port = found === undefined ? await freePort(remembered) : (remembered ?? 0);
  if (options.port !== undefined && port !== options.port) {
    throw new SluiceError('unavailable', `port ${options.port} on 127.0.0.1 is taken`);
  }
  writeSecretFile(portFile, `${port}\n`);
  writeSecretFile(configFile, wanted(port));

  const launch = async (): Promise<number> => {
    const logFile = join(dir, 'redis.log');
    const { path, env } = await redisBinary();
    const child = startDetached({ file: path, args: [configFile], env }, dir, logFile);
    const started = child.pid ?? 0;
    try {
      await waitUntilReady('Redis', started, () => answers(urlAt(port)), { waitMs: startWaitMs, logFile });
    } catch (fault) {
      await killServer(dir, started);
      throw fault;
    }
    return started;
  };
  let pid = found ?? (await launch());
  return {
    url: urlAt(port),
    port,
    adopted: found !== undefined,
    get pid() {
      return pid;
    },
    stop: () => stopServer(pid, dir, 'SIGTERM', stopWaitMs),
    kill9: () => killServer(dir, pid),
    freeze: () => signal(pid, 'SIGSTOP'),
    thaw: () => signal(pid, 'SIGCONT'),
    async restart() {
      if (isAlive(pid)) await stopServer(pid, dir, 'SIGTERM', stopWaitMs);
      pid = await launch();
    },
  };
}

/** Stops the Redis that a killed launcher left running in `dir`, if there is one. */
export async function stopRedisIn(dir: string): Promise<void> {
  await adopt(realpathSync(dir), async () => false);
}

/** The pid of a Redis left running in `dir` that is as we would start it; any other there is stopped. */
async function adopt(dir: string, asWanted: () => Promise<boolean>): Promise<number | undefined> {
  const hint = Number(readIfThere(join(dir, 'redis.pid'))) || undefined;
  const pid = processesIn(dir, hint).find((one) => one === hint);
  if (pid !== undefined) {
    if (await asWanted()) return pid;
    await stopServer(pid, dir, 'SIGTERM', stopWaitMs);
  }
  await killServer(dir, hint);
  return undefined;
}

function configuration(options: RedisOptions, dir: string, port: number, password: string): string {
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    'protected-mode yes',
    `requirepass ${password}`,
    `dir "${dir}"`,
    `pidfile "${join(dir, 'redis.pid')}"`,
    'daemonize no',
    'set-proc-title no',
    'save ""',
    `maxmemory-policy ${options.policy}`,
    `appendonly ${(options.appendonly ?? options.policy === 'noeviction') ? 'yes' : 'no'}`,
    'appendfsync everysec',
  ];
  // A cache has a size; the queue holds turns only, and must never lose one for want of room.
  if (options.policy !== 'noeviction') lines.push('maxmemory 64mb');
  return `${lines.join('\n')}\n`;
}

/** True when it takes our password and has finished loading. */
async function answers(url: string): Promise<boolean> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 2000,
    commandTimeout: 2000,
    retryStrategy: () => null,
  });
  client.on('error', () => undefined); // told by the rejected call as well
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } catch {
    return false; // not yet, or somebody else's: the caller tells by time and by the process
  } finally {
    client.disconnect();
  }
}
