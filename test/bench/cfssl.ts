import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createDatabase, fetchDebianTool } from '@sluice/local-stack';
import { Client } from 'pg';

const run = promisify(execFile);

/** The table that CFSSL's own migrations make for PostgreSQL (certdb/pg). */
const certificatesTable = `create table certificates (
  serial_number bytea not null, authority_key_identifier bytea not null, ca_label bytea, status bytea not null,
  reason int, expiry timestamptz, revoked_at timestamptz, pem bytea not null,
  primary key (serial_number, authority_key_identifier))`;

export interface Cfssl {
  readonly origin: string;
  readonly version: string;
  readonly pid: number;
  /** How many certificates it has stored; 0 without a database. */
  stored(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * How its connections to PostgreSQL may be tuned. Its db-config knows a driver and a data source, nothing of a pool, and
 * Go keeps two idle connections: with more clients each certificate opens one, whose password exchange (SCRAM) is the
 * dearest part. So the most it allows is a cheaper one: 1000 iterations instead of 4096.
 */
type Connections = 'as-shipped' | 'tuned';

/**
 * The peer: Debian's CFSSL as it ships, `cfssl serve` with a P-256 CA. `adminUrl`: it stores each certificate in a
 * database of its own on that server. Throws with the reason when the package cannot be had.
 */
export async function startCfssl(
  dir: string,
  adminUrl?: string,
  connections: Connections = 'as-shipped',
): Promise<Cfssl> {
  mkdirSync(dir, { recursive: true });
  const tool = await fetchDebianTool(['golang-cfssl'], 'cfssl');
  const env = { ...tool.env };
  writeFileSync(join(dir, 'ca.json'), JSON.stringify({ CN: 'Bench CA', key: { algo: 'ecdsa', size: 256 } }));
  const made = JSON.parse((await run(tool.path, ['genkey', '-initca', join(dir, 'ca.json')], { env })).stdout) as {
    cert: string;
    key: string;
  };
  writeFileSync(join(dir, 'ca.pem'), made.cert);
  writeFileSync(join(dir, 'ca.key'), made.key, { mode: 0o600 });
  writeFileSync(
    join(dir, 'config.json'),
    JSON.stringify({ signing: { default: { expiry: '24h', usages: ['digital signature', 'client auth'] } } }),
  );
  const port = await freePort();
  const args = [
    'serve',
    '-address',
    '127.0.0.1',
    '-port',
    String(port),
    '-ca',
    join(dir, 'ca.pem'),
    '-ca-key',
    join(dir, 'ca.key'),
    '-config',
    join(dir, 'config.json'),
    '-loglevel',
    '4',
  ];
  let database: string | undefined;
  if (adminUrl !== undefined) {
    database = await createDatabase(adminUrl, 'cfssl');
    await withClient(database, (client) => client.query(certificatesTable));
    const source = connections === 'tuned' ? await withCheapLogin(database) : new URL(database);
    source.searchParams.set('sslmode', 'disable');
    writeFileSync(join(dir, 'db.json'), JSON.stringify({ driver: 'postgres', data_source: source.href }), {
      mode: 0o600,
    });
    args.push('-db-config', join(dir, 'db.json'));
  }
  const child = spawn(tool.path, args, { env, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const origin = `http://127.0.0.1:${port}`;
  await untilListening(origin);
  const version = /Version: (\S+)/.exec((await run(tool.path, ['version'], { env })).stdout)?.[1] ?? 'unknown';
  return {
    origin,
    version,
    pid: child.pid ?? 0,
    async stored() {
      if (database === undefined) return 0;
      const { rows } = await withClient(database, (client) =>
        client.query<{ count: string }>('select count(*) as count from certificates'),
      );
      return Number(rows[0]?.count ?? 0);
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function withCheapLogin(database: string): Promise<URL> {
  const source = new URL(database);
  const role = `${source.pathname.slice(1)}_tuned`;
  const password = randomBytes(24).toString('base64url');
  await withClient(database, async (client) => {
    await client.query('set scram_iterations = 1000'); // lib/pq takes no count of fewer digits
    await client.query(`create role ${role} login password '${password}'`);
    await client.query(`grant select, insert, update on certificates to ${role}`);
  });
  source.username = role;
  source.password = password;
  return source;
}

async function withClient<R>(url: string, work: (client: Client) => Promise<R>): Promise<R> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function untilListening(origin: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answered = await fetch(`${origin}/api/v1/cfssl/info`, { method: 'POST', body: '{"label":""}' }).then(
      (response) => response.status === 200,
      () => false,
    );
    if (answered) return;
    await wait(50);
  }
  throw new Error('cfssl does not answer');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
