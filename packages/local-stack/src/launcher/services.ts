import { join } from 'node:path';
import type { ServiceName } from '@sluice/ledger';
import { freePort } from '../free-port.js';
import { keptSecret, readIfThere, writeSecretFile } from '../secret-file.js';
import type { Arguments } from './arguments.js';
import { databaseUrlFile, serviceKeyFile } from './credentials.js';
import { type LocalFolder, projectFolder } from './local-folder.js';
import type { ServiceSpec, Supervisor } from './supervisor.js';

/** Where everything listens: host:port. */
export interface Addresses {
  readonly registry: string;
  readonly signers: readonly string[];
  readonly frontEnds: readonly string[];
}

export interface ServicesOptions {
  readonly folder: LocalFolder;
  readonly supervisor: Supervisor;
  readonly wanted: Pick<Arguments, 'signers' | 'frontEnds' | 'port'>;
  readonly adminUrl: string;
  readonly queueRedisUrl: string;
  readonly say: (line: string) => void;
  /** Throws when the start was given up. */
  readonly goOn: () => void;
}

/** Where the first identity-api listens when nothing else is said. */
const usualPort = 8080;

/** Starts the registry, which the others ask; then signers; then front ends, so that what they accept is signed. */
export async function startServices(options: ServicesOptions): Promise<Addresses> {
  const { folder, supervisor, wanted, adminUrl, say } = options;
  const redisUrlFile = join(folder.secrets, 'redis-url');
  writeSecretFile(redisUrlFile, `${options.queueRedisUrl}\n`);
  const passphraseFile = join(folder.secrets, 'key-passphrase');
  keptSecret(passphraseFile);

  const start = async (service: ServiceName, name: string, env: Record<string, string>, port?: number) => {
    options.goOn();
    say(`${name}: starting`);
    const spec: ServiceSpec = {
      name,
      entry: join(projectFolder, 'services', service, 'dist', 'main.js'),
      env: {
        SLUICE_NAME: name,
        // The same at each start and restart: others hold the address.
        SLUICE_LISTEN: `127.0.0.1:${await rememberedPort(folder, name, port)}`,
        SLUICE_DATABASE_URL_FILE: databaseUrlFile(folder, service),
        ...env,
      },
    };
    return supervisor.start(spec);
  };
  const registry = await start('issuer-registry', 'issuer-registry', {});
  const asksRegistry = async (service: ServiceName, name: string) => ({
    SLUICE_REDIS_URL_FILE: redisUrlFile,
    SLUICE_REGISTRY_URL: `http://${registry}`,
    SLUICE_SERVICE_KEY_FILE: await serviceKeyFile(folder, adminUrl, name, service),
    SLUICE_SNAPSHOT_FILE: join(folder.snapshots, `${name}.json`),
  });
  const signers: string[] = [];
  for (const name of numbered('signer', wanted.signers)) {
    const env = {
      ...(await asksRegistry('signer', name)),
      SLUICE_KEY_STORE_DIR: folder.keyStore,
      SLUICE_KEY_PASSPHRASE_FILE: passphraseFile,
    };
    signers.push(await start('signer', name, env));
  }
  const frontEnds: string[] = [];
  for (const [index, name] of numbered('identity-api', wanted.frontEnds).entries()) {
    const env = await asksRegistry('identity-api', name);
    frontEnds.push(await start('identity-api', name, env, index === 0 ? wanted.port : undefined));
  }
  return { registry, signers, frontEnds };
}

function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
}

/** The port asked for (another one would be no answer), or that of the last start, or the usual or a free one. */
async function rememberedPort(folder: LocalFolder, name: string, asked: number | undefined): Promise<number> {
  if (asked !== undefined) return asked;
  const file = join(folder.ports, name);
  const before = Number(readIfThere(file)) || (name === 'identity-api-1' ? usualPort : undefined);
  const port = await freePort(before);
  writeSecretFile(file, `${port}\n`);
  return port;
}
