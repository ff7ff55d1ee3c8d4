import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '@sluice/errors';
import { Client } from 'pg';
import { environment } from './environment.js';
import { freePort } from './free-port.js';
import { type PostgresBinaries, postgresBinaries } from './postgres-binaries.js';
import { findPostmaster, removeStalePidFile } from './postmaster.js';
import { keptSecret, readIfThere, writeSecretFile } from './secret-file.js';
import {
  isAlive,
  killServer,
  lastLines,
  processesIn,
  type ServerCommand,
  signal,
  startDetached,
  stopServer,
  waitUntilReady,
} from './server-process.js';
import {
  asUnprivileged,
  findUnprivileged,
  type Unprivileged,
  unprivilegedFolder,
  unprivilegedPath,
} from './unprivileged.js';

/** A PostgreSQL of our own. It goes on after this process: whoever started it stops it. */
export interface OwnPostgres {
  /** postgres:// URL of the superuser, database `postgres`, with the password in it. */
  readonly adminUrl: string;
  readonly port: number;
  /** Of the postmaster; another one after `restart`. */
  readonly pid: number;
  /** True when it was found running, left by a launcher that was killed. */
  readonly adopted: boolean;
  /** Fast shutdown: open transactions are rolled back, a checkpoint is written. SIGKILL after 20 s. */
  stop(): Promise<void>;
  /** SIGKILL for the postmaster and each of its processes, as when the machine loses power (but for the disk cache). */
  kill9(): Promise<void>;
  /** SIGSTOP: it takes connections and answers nothing, until `thaw`. Its backends go on with what they have. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port and data after `stop` or `kill9`; stops it first when it runs. */
  restart(): Promise<void>;
}

export interface PostgresOptions {
  /** Keeps data, password, port and log. Made when missing (0700). */
  readonly dir: string;
  /** Otherwise the remembered one, or a free one. */
  readonly port?: number;
  /** Added to the server's own, for tests: a bench may ask for more buffers, a test for `fsync=off`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where the data and the write-ahead log lie when not in `dir`: for tests that fill a volume. Whoever asks deletes them. */
  readonly volumes?: { readonly data: string; readonly wal: string };
  /** For tests of the other ways to run without root. */
  readonly runAs?: Unprivileged;
}

const user = 'postgres';
const startWaitMs = 60_000;

/** For a small machine that also runs everything else; everything that makes a commit durable stays on. */
const defaultSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '256MB',
  wal_buffers: '16MB',
  min_wal_size: '256MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '10min',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  // Three idle I/O workers would be more processes than we have cores.
  io_method: 'sync',
  // Its work is small rows by key; parallel scans would need /dev/shm, which containers keep small.
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  password_encryption: 'scram-sha-256',
};

/**
 * Starts, or adopts, the PostgreSQL whose data lie in `options.dir`, also as root. Returns when it takes connections.
 * Throws `unavailable` with the end of its log when it cannot be started.
 */
export async function startPostgres(options: PostgresOptions): Promise<OwnPostgres> {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  const how = options.runAs ?? findUnprivileged();
  const home = how.way === 'other-user' ? unprivilegedFolder(options.dir, how) : options.dir;
  const site: Site = {
    how,
    binaries: postgresBinaries(how, home),
    dataDir: join(options.volumes?.data ?? home, 'data'),
    walDir: options.volumes && join(options.volumes.wal, 'wal'),
    logFile: join(options.dir, 'postgres.log'),
    password: keptSecret(join(options.dir, 'password')),
    settings: { ...defaultSettings, ...options.settings },
  };
  const portFile = join(options.dir, 'port');
  const remembered = options.port ?? (Number(readIfThere(portFile)) || undefined);
  const found = await adopt(site, remembered);
  const port = found === undefined ? await freePort(remembered) : (remembered ?? 0);
  if (found === undefined) {
    if (options.port !== undefined && port !== options.port) {
      throw new SluiceError('unavailable', `port ${options.port} on 127.0.0.1 is taken`);
    }
    makeCluster(site);
    writeSecretFile(portFile, `${port}\n`);
  }
  let pid = found ?? (await launch(site, port));
  return {
    adminUrl: adminUrl(site, port),
    port,
    adopted: found !== undefined,
    get pid() {
      return pid;
    },
    stop: () => stopServer(pid, site.dataDir, 'SIGINT', 20_000),
    kill9: () => killServer(site.dataDir, pid),
    freeze: () => signal(pid, 'SIGSTOP'),
    thaw: () => signal(pid, 'SIGCONT'),
    async restart() {
      if (isAlive(pid)) await stopServer(pid, site.dataDir, 'SIGINT', 20_000);
      pid = await launch(site, port);
    },
  };
}

/** Stops what runs on the data of `dir` and deletes them, wherever they lie. */
export async function removePostgres(dir: string): Promise<void> {
  if (!existsSync(dir)) return;
  const elsewhere = unprivilegedPath(dir);
  const ours = lstatSync(elsewhere, { throwIfNoEntry: false })?.uid === process.getuid?.();
  for (const home of ours ? [dir, elsewhere] : [dir]) {
    await killServer(join(home, 'data'), findPostmaster(join(home, 'data'))?.pid);
    rmSync(home, { recursive: true, force: true });
  }
}

interface Site {
  readonly how: Unprivileged;
  readonly binaries: PostgresBinaries;
  readonly dataDir: string;
  /** Undefined: in the data directory. */
  readonly walDir: string | undefined;
  readonly logFile: string;
  readonly password: string;
  readonly settings: Readonly<Record<string, string>>;
}

function adminUrl(site: Site, port: number): string {
  return `postgres://${user}:${site.password}@127.0.0.1:${port}/postgres`;
}

/** The pid of a running postmaster that answers as ours would; one that does not is stopped. */
async function adopt(site: Site, port: number | undefined): Promise<number | undefined> {
  const left = findPostmaster(site.dataDir);
  if (left === undefined) {
    // Its children may have outlived it and would keep the new one from starting.
    await killServer(site.dataDir);
    return undefined;
  }
  if (
    left.port === port &&
    left.commandLine.endsWith(commandOf(site, port).args.join(' ')) &&
    (await answers(site, port))
  ) {
    return left.pid;
  }
  await stopServer(left.pid, site.dataDir, 'SIGINT', 20_000);
  await killServer(site.dataDir);
  return undefined;
}

/** initdb, once. It works beside the final place: what a crash leaves half made is thrown away by the next start. */
function makeCluster(site: Site): void {
  if (existsSync(join(site.dataDir, 'PG_VERSION'))) return;
  const half = `${site.dataDir}.new`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { mode: 0o700 });
  const passwordFile = `${site.dataDir}.password`;
  writeSecretFile(passwordFile, site.password);
  const walDir = site.walDir === undefined ? [] : [site.walDir];
  for (const dir of walDir) {
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { mode: 0o700 });
  }
  if (site.how.way === 'other-user') {
    for (const path of [half, passwordFile, ...walDir]) chownSync(path, site.how.uid, site.how.gid);
  }
  const args = ['-D', half, '-U', user, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'];
  // The builtin provider has C.UTF-8 on every platform, whatever locales are installed.
  args.push('--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-instructions');
  args.push(...walDir.map((dir) => `--waldir=${dir}`));
  const command = asUnprivileged({ file: site.binaries.initdb, args, env: serverEnvironment() }, site.how);
  const made = spawnSync(command.file, [...command.args], {
    env: { ...command.env },
    cwd: '/',
    encoding: 'utf8',
    ...(command.uid === undefined ? {} : { uid: command.uid, gid: command.gid }),
  });
  rmSync(passwordFile, { force: true });
  if (made.status !== 0) {
    throw new SluiceError('unavailable', `initdb failed: ${made.stderr || made.stdout || made.error?.message}`);
  }
  renameSync(half, site.dataDir);
}

function serverEnvironment(): Record<string, string> {
  return { PATH: environment().path.join(':'), LC_ALL: 'C', TZ: 'UTC' };
}

function commandOf(site: Site, port: number): ServerCommand {
  const settings = Object.entries(site.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return {
    file: site.binaries.postgres,
    args: ['-D', site.dataDir, '-p', String(port), ...settings],
    // Its data may lie elsewhere: by this whoever looks for what runs in `dir` finds it.
    env: { ...serverEnvironment(), SLUICE_SERVER_DIR: dirname(site.logFile) },
  };
}

async function launch(site: Site, port: number): Promise<number> {
  chmodSync(site.dataDir, 0o700);
  const end = performance.now() + startWaitMs;
  for (;;) {
    // Left by kill -9; where nobody reaps orphans its process lives on as a zombie, which PostgreSQL takes for alive.
    if (processesIn(site.dataDir).length === 0) removeStalePidFile(site.dataDir);
    const child = startDetached(asUnprivileged(commandOf(site, port), site.how), '/', site.logFile);
    const pid = child.pid ?? 0;
    try {
      await waitUntilReady('PostgreSQL', pid, () => answers(site, port), {
        waitMs: startWaitMs,
        logFile: site.logFile,
      });
      return pid;
    } catch (fault) {
      await killServer(site.dataDir, pid);
      // After kill -9 the last of the old processes may hold the shared memory for a moment.
      const passing = /shared memory block|still in use/.test(lastLines(site.logFile, 5));
      if (!passing || performance.now() > end) throw fault;
      await sleep(100);
    }
  }
}

/** True when it lets us in with our password and this data directory is the one it serves. */
async function answers(site: Site, port: number): Promise<boolean> {
  const client = new Client({
    connectionString: adminUrl(site, port),
    connectionTimeoutMillis: 3000,
    query_timeout: 3000,
  });
  client.on('error', () => undefined); // a connection that breaks later; the query tells as well
  try {
    await client.connect();
    const { rows } = await client.query<{ dir: string }>(`SELECT current_setting('data_directory') AS dir`);
    return rows[0]?.dir === site.dataDir;
  } catch {
    return false; // not yet, or somebody else's: the caller tells by time and by the process
  } finally {
    await client.end().catch(() => undefined);
  }
}
