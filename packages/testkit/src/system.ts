import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  enrolOperator,
  enrolServiceKey,
  migrate,
  roleName,
  type ServiceName,
  serviceNames,
  setUpRoles,
} from '@sluice/ledger';
import {
  createDatabase,
  type OwnPostgres,
  type OwnRedis,
  type PostgresOptions,
  startPostgres,
  startRedis,
} from '@sluice/local-stack';
import { type AdminClient, createAdminClient } from './admin-client.js';
import { type AuditReport, auditHistory } from './audit-history.js';
import { createDescriptionChecker, type Document, type Exchange } from './description-checker.js';
import { bundledProcessesDir } from './environment.js';
import { endAll, type Member, startMember } from './member.js';
import { type Pacer, startPacer } from './pacer.js';
import { type Answer, createRecordingClient, type RecordingClient } from './recording-client.js';
import { sharedPostgres } from './shared-postgres.js';
import { query, untilApplied, untilSettled } from './system-ledger.js';
import { createTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { makeTestHierarchy } from './test-hierarchy.js';
import { createVerbWire, type VerbWire } from './verb-wire.js';
import { readWitness, type WitnessEntry } from './witness-key-store.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface System {
  readonly dir: string;
  /** PostgreSQL, as superuser, in the system's own database. */
  readonly adminUrl: string;
  /** Only with `postgres: 'own'`: there to be killed. */
  readonly postgres: OwnPostgres | undefined;
  readonly redis: OwnRedis;
  /**
   * Only with `wires: true`: what stands between every service and its servers. `frontEndsRegistry` is the front ends'
   * own part of the way to the registry, before `registry`.
   */
  readonly wires: Record<'postgres' | 'redis' | 'registry' | 'frontEndsRegistry', TcpProxy> | undefined;
  /** Only with `verbWire: true`. */
  readonly verbWire: VerbWire | undefined;
  readonly registry: Member;
  readonly frontEnds: readonly Member[];
  readonly signers: readonly Member[];
  readonly pacer: Pacer | undefined;
  readonly admin: AdminClient;
  readonly apiKey: string;
  readonly otherApiKey: string;
  /** For `armKill`: every process looks at it. */
  readonly killFile: string;
  /** Names the bug that is planted in the processes (test/processes/bugs). */
  readonly bugFile: string;
  /** Each of its answers is compared with the description, as `compare` does. */
  client(options?: { apiKey?: string; giveUpMs?: number }): RecordingClient;
  /** Compares an answer of a front end with the description that it serves; what is not described `stop` tells. */
  compare(exchange: Exchange): void;
  witness(): WitnessEntry[];
  /** SQL as superuser, one connection per call. */
  query<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Waits until each of them works by the registry's present state, and signers have told their token; throws, naming who does not. */
  applied(members: readonly Member[]): Promise<void>;
  /** Waits until nothing is open any more; throws, naming what is, when that takes longer. */
  settle(waitMs: number): Promise<void>;
  audit(answers: readonly Answer[], endWithinMs?: number): Promise<AuditReport>;
  /**
   * SIGTERM to everything; says what did not end by itself with code 0, and which answers were not as described
   * of a front end or of the registry (nothing, when all is well).
   */
  stop(): Promise<string[]>;
}

export interface SystemOptions {
  readonly signers?: number;
  readonly frontEnds?: number;
  /**
   * `shared`: one token, the folder `keys`. `each`: a token for each signer, `token-1` in the folder `token-1` and so on,
   * of one key group and with the same keys. Default `shared`.
   */
  readonly tokens?: 'shared' | 'each';
  /** `own`: a PostgreSQL that may be killed. */
  readonly postgres?: 'shared' | 'own';
  /** For its data and its write-ahead log; with `postgres: 'own'`. */
  readonly postgresVolumes?: PostgresOptions['volumes'];
  /** Services reach PostgreSQL, Redis and the registry over wires that can be damaged. */
  readonly wires?: boolean;
  /** Services reach PostgreSQL over a wire on which single calls can be made to fail. Not together with `wires`. */
  readonly verbWire?: boolean;
  /** Milliseconds of a claim's lease. */
  readonly leaseMs?: number;
  /** Signatures per second of all signers together. */
  readonly signaturesPerSecond?: number;
  /** False: every service exactly as it ships, without witness, pacer and kill points (benchmarks). Default true. */
  readonly witness?: boolean;
  /** More environment for services of a kind. */
  readonly env?: Partial<Record<'identity-api' | 'signer' | 'issuer-registry', Record<string, string>>>;
  /** Keeps the data; otherwise a new folder. */
  readonly dir?: string;
}

type Service = 'identity-api' | 'signer' | 'issuer-registry';

/** The processes of test/processes are the services as they ship, with witness, pacer, kill points and a clock to set. */
function entryOf(service: Service, watched: boolean): string {
  if (!watched) return join(root, `services/${service}/dist/main.js`);
  return join(bundledProcessesDir ?? join(root, 'test/dist/processes'), `${service}.js`);
}

/**
 * A whole Sluice of real processes, with a database and a Redis of its own, keys on disk, the witness in every signer,
 * and a small hierarchy (testProfiles) made through the admin API. Returns when it can issue. When it throws, nothing of
 * it is left running.
 */
export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const begun: (() => Promise<unknown>)[] = [];
  try {
    return await start(options, (end) => begun.unshift(end));
  } catch (fault) {
    await Promise.allSettled(begun.map((end) => end()));
    throw fault;
  }
}

/** `whenFailed` is told how to end each thing that was started. */
async function start(options: SystemOptions, whenFailed: (end: () => Promise<unknown>) => void): Promise<System> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'system-'));
  const files = secretFiles(dir);
  const volumes = options.postgresVolumes && { volumes: options.postgresVolumes };
  const postgres =
    options.postgres === 'own' ? await startPostgres({ dir: join(dir, 'postgres'), ...volumes }) : undefined;
  whenFailed(async () => postgres?.kill9());
  const adminUrl = await createDatabase(postgres?.adminUrl ?? (await sharedPostgres()), 'system');
  const redis = await startRedis({ dir: join(dir, 'redis'), policy: 'noeviction' });
  whenFailed(() => redis.kill9());
  const serverWires = options.wires ? { postgres: await wireTo(adminUrl), redis: await wireTo(redis.url) } : undefined;
  const verbWire = options.verbWire ? await createVerbWire({ target: targetOf(adminUrl) }) : undefined;
  whenFailed(async () => verbWire?.close());
  for (const wire of Object.values(serverWires ?? {})) whenFailed(() => wire.close());
  await prepareDatabase(adminUrl, files, serverWires?.postgres.port ?? verbWire?.port);
  files.write('redis-url', overPort(redis.url, serverWires?.redis.port));
  files.write('nonce-secret', randomBytes(32).toString('base64'));
  const pacer =
    options.signaturesPerSecond === undefined
      ? undefined
      : await startPacer({ signaturesPerSecond: options.signaturesPerSecond });
  whenFailed(async () => pacer?.close());
  const operator = await newOperator(adminUrl);
  const killFile = join(dir, 'kill-order');
  const bugFile = join(dir, 'planted-bug');
  const watched = options.witness !== false;
  const witnessFile = join(dir, 'witness');
  writeFileSync(witnessFile, '', { mode: 0o600 });

  const member = async (
    service: Service,
    name: string,
    registryUrl?: string,
    more: Record<string, string> = {},
  ): Promise<Member> => {
    await enrolServiceKey(adminUrl, { name, service, publicKey: files.serviceKey(name) });
    const started = await startMember(name, entryOf(service, watched), dir, {
      SLUICE_LOG_LEVEL: 'info',
      ...(watched ? { TESTKIT_KILL_FILE: killFile, TESTKIT_BUG_FILE: bugFile } : {}),
      SLUICE_DATABASE_URL_FILE: files.path(`${service}-database-url`),
      ...(registryUrl === undefined
        ? {}
        : {
            SLUICE_REGISTRY_URL: registryUrl,
            SLUICE_REDIS_URL_FILE: files.path('redis-url'),
            SLUICE_SERVICE_KEY_FILE: files.path(`${name}.key`),
            SLUICE_SNAPSHOT_FILE: join(dir, `${name}.snapshot`),
          }),
      ...(service === 'identity-api' ? { SLUICE_NONCE_SECRET_FILE: files.path('nonce-secret') } : {}),
      ...(service === 'signer'
        ? {
            SLUICE_KEY_STORE_DIR: files.folder('keys'),
            SLUICE_KEY_PASSPHRASE_FILE: files.path('passphrase'),
            SLUICE_LEASE_MS: String(options.leaseMs ?? 10_000),
            ...(watched ? { TESTKIT_WITNESS_FILE: witnessFile } : {}),
            ...(watched && pacer !== undefined ? { TESTKIT_PACER: pacer.address } : {}),
          }
        : {}),
      ...more,
      ...options.env?.[service],
    });
    whenFailed(() => started.process.kill9());
    return started;
  };
  const several = (service: Service, count: number, registryUrl: string): Promise<Member[]> =>
    allStarted(Array.from({ length: count }, (_, index) => member(service, `${service}-${index + 1}`, registryUrl)));

  const registry = await member('issuer-registry', 'issuer-registry-1');
  const wires = serverWires && { ...serverWires, ...(await registryWires(registry.url)) };
  whenFailed(async () => wires?.registry.close());
  const registryUrl = overPort(registry.url, wires?.registry.port);
  const frontEndsRegistryUrl = overPort(registry.url, wires?.frontEndsRegistry.port);
  const tokenOf = (number: number): Record<string, string> => ({
    SLUICE_TOKEN: `token-${number}`,
    SLUICE_KEY_STORE_DIR: files.folder(`token-${number}`),
  });
  const adminDescription = await describedBy(registry, '/admin/v1/openapi.json');
  const admin = createAdminClient({
    ...{ baseUrl: () => registry.url, name: operator.name, privateKey: operator.key },
    onExchange: adminDescription.compare,
  });
  const ownTokens = options.tokens === 'each';
  async function startSigners() {
    const signers = ownTokens
      ? [await member('signer', 'signer-1', registryUrl, tokenOf(1))]
      : await several('signer', options.signers ?? 1, registryUrl);
    const keys = await makeTestHierarchy(admin);
    // The first has made the keys; the others get copies of its token.
    for (let number = 2; ownTokens && number <= (options.signers ?? 1); number += 1) {
      cpSync(files.folder('token-1'), files.folder(`token-${number}`), { recursive: true });
      signers.push(await member('signer', `signer-${number}`, registryUrl, tokenOf(number)));
    }
    return { signers, ...keys };
  }
  const [{ signers, apiKey, otherApiKey }, frontEnds] = await allStarted([
    startSigners(),
    several('identity-api', options.frontEnds ?? 1, frontEndsRegistryUrl),
  ] as const);
  const applied = (members: readonly Member[]): Promise<void> =>
    untilApplied(
      adminUrl,
      members.map(({ name }) => name),
    );
  await applied([...signers, ...frontEnds]);
  const witness = (): WitnessEntry[] => readWitness(witnessFile);
  const description = await describedBy(frontEnds[0], '/openapi.json');
  return {
    dir,
    adminUrl,
    postgres,
    redis,
    wires,
    verbWire,
    registry,
    frontEnds,
    signers,
    pacer,
    admin,
    apiKey,
    otherApiKey,
    killFile,
    bugFile,
    witness,
    client: (how = {}) =>
      createRecordingClient({
        ...{ baseUrls: frontEnds.map((frontEnd) => frontEnd.url), apiKey, onExchange: description.compare },
        ...how,
      }),
    compare: description.compare,
    query: (sql, values = []) => query(adminUrl, sql, values),
    applied,
    settle: (waitMs) => untilSettled(adminUrl, waitMs),
    audit: (answers, endWithinMs) =>
      auditHistory({
        answers,
        witness: witness(),
        adminUrl,
        ...(endWithinMs === undefined ? {} : { endWithinMs }),
      }),
    async stop() {
      // Those who ask before those who are asked.
      const faults = [...(await endAll(frontEnds)), ...(await endAll(signers)), ...(await endAll([registry]))];
      await pacer?.close();
      await Promise.all([...Object.values(wires ?? {}), verbWire].map((wire) => wire?.close()));
      await redis.stop();
      await postgres?.stop();
      return [...faults, ...description.faults, ...adminDescription.faults];
    },
  };
}

/** As Promise.all, but one that fails is told only when the others have started, and can be ended. */
async function allStarted<T extends readonly Promise<unknown>[]>(
  starting: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(starting);
  return Promise.all(starting);
}

/** Answers, held against the description that this process serves. */
async function describedBy(
  member: Member | undefined,
  path: string,
): Promise<{ readonly faults: readonly string[]; compare(exchange: Exchange): void }> {
  const faults: string[] = [];
  if (member === undefined) return { faults, compare: () => undefined };
  const checker = createDescriptionChecker((await (await fetch(`${member.url}${path}`)).json()) as Document);
  return {
    faults,
    compare(exchange) {
      const { method, path, status, body } = exchange;
      for (const fault of checker.faultsOf(exchange)) faults.push(`${method} ${path} ${status}: ${fault} in ${body}`);
    },
  };
}

function secretFiles(dir: string) {
  const path = (name: string): string => join(folder('secrets'), name);
  function folder(name: string): string {
    mkdirSync(join(dir, name), { recursive: true, mode: 0o700 });
    return join(dir, name);
  }
  const write = (name: string, content: string): void => writeFileSync(path(name), content, { mode: 0o600 });
  write('passphrase', randomBytes(24).toString('base64url'));
  return {
    path,
    folder,
    write,
    /** Makes the Ed25519 key of a process; returns its public half as SPKI DER. */
    serviceKey(name: string): Uint8Array {
      const { privateKey, publicKey } = generateKeyPairSync('ed25519');
      write(`${name}.key`, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
      return publicKey.export({ type: 'spki', format: 'der' });
    },
  };
}

function wireTo(url: string): Promise<TcpProxy> {
  return createTcpProxy({ target: targetOf(url) });
}

async function registryWires(url: string): Promise<Record<'registry' | 'frontEndsRegistry', TcpProxy>> {
  const registry = await wireTo(url);
  return { registry, frontEndsRegistry: await wireTo(overPort(url, registry.port)) };
}

function targetOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

function overPort(url: string, port: number | undefined): string {
  const changed = new URL(url);
  if (port !== undefined) changed.port = String(port);
  return changed.href;
}

/** `port`: where services reach it, when that is not where it is. */
async function prepareDatabase(
  adminUrl: string,
  files: ReturnType<typeof secretFiles>,
  port: number | undefined,
): Promise<void> {
  await migrate(adminUrl);
  const password = (): string => randomBytes(16).toString('hex');
  const passwords = Object.fromEntries(serviceNames.map((service) => [service, password()])) as Record<
    ServiceName,
    string
  >;
  await setUpRoles(adminUrl, passwords);
  for (const service of serviceNames) {
    const url = new URL(overPort(adminUrl, port));
    url.username = roleName(url.pathname.slice(1), service);
    url.password = passwords[service];
    files.write(`${service}-database-url`, url.href);
  }
}

async function newOperator(adminUrl: string): Promise<{ name: string; key: KeyObject }> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const name = 'operator-1';
  await enrolOperator(adminUrl, { name, publicKey: publicKey.export({ type: 'spki', format: 'der' }) });
  return { name, key: privateKey };
}
