import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ServiceName } from '@sluice/ledger';
import { freePort } from '../free-port.js';
import { keptSecret, readIfThere, writeSecretFile } from '../secret-file.js';
import { databaseUrlFile, serviceKeyFile } from './credentials.js';
import { type LocalFolder, projectFolder } from './local-folder.js';
import type { ServiceSpec, Supervisor } from './supervisor.js';

export interface ServicesOptions {
  readonly folder: LocalFolder;
  readonly supervisor: Supervisor;
  readonly adminUrl: string;
  readonly queueRedisUrl: string;
  readonly say: (line: string) => void;
  readonly stop: AbortSignal;
}

/** Starts services, several of a kind side by side. Each answers with addresses, host:port, once it is ready. */
export interface Services {
  /** First: the others ask it. */
  startRegistry(): Promise<string>;
  /** Before the front ends, so that what those accept is signed. */
  startSigners(count: number, registry: string): Promise<string[]>;
  /** `port` is for the first of them. */
  startFrontEnds(count: number, registry: string, port: number | undefined): Promise<string[]>;
}

/** Where the first identity-api listens when nothing else is said. */
const usualPort = 8080;

export function createServices(options: ServicesOptions): Services {
  const { folder, supervisor, adminUrl, say } = options;
  const redisUrlFile = join(folder.secrets, 'redis-url');
  writeSecretFile(redisUrlFile, `${options.queueRedisUrl}\n`);
  const passphraseFile = join(folder.secrets, 'key-passphrase');
  keptSecret(passphraseFile);
  const nonceSecretFile = join(folder.secrets, 'nonce-secret');
  keptSecret(nonceSecretFile, () => randomBytes(32).toString('base64'));

  const start = async (service: ServiceName, name: string, env: Record<string, string>, port?: number) => {
    options.stop.throwIfAborted();
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
  const asksRegistry = async (service: ServiceName, name: string, registry: string) => ({
    SLUICE_REDIS_URL_FILE: redisUrlFile,
    SLUICE_REGISTRY_URL: `http://${registry}`,
    SLUICE_SERVICE_KEY_FILE: await serviceKeyFile(folder, adminUrl, name, service),
    SLUICE_SNAPSHOT_FILE: join(folder.snapshots, `${name}.json`),
  });
  return {
    startRegistry: () => start('issuer-registry', 'issuer-registry', {}),
    startSigners: (count, registry) => {
      const startOne = async (name: string) => {
        const env = {
          ...(await asksRegistry('signer', name, registry)),
          SLUICE_KEY_STORE_DIR: folder.keyStore,
          SLUICE_KEY_PASSPHRASE_FILE: passphraseFile,
        };
        return start('signer', name, env);
      };
      return Promise.all(numbered('signer', count).map(startOne));
    },
    startFrontEnds: (count, registry, port) => {
      const startOne = async (name: string, index: number) =>
        start(
          'identity-api',
          name,
          { ...(await asksRegistry('identity-api', name, registry)), SLUICE_NONCE_SECRET_FILE: nonceSecretFile },
          index === 0 ? port : undefined,
        );
      return Promise.all(numbered('identity-api', count).map(startOne));
    },
  };
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
