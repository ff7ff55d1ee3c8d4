import { listenAddress, loadConfig, secretFile } from '@sluice/config';
import { nameSchema } from '@sluice/registry-protocol';
import { logLevels } from '@sluice/telemetry';
import { z } from 'zod';

const schema = z.object({
  /** Subscriber name; unique among all processes. */
  SLUICE_NAME: nameSchema,
  /** Where health, readiness and metrics are served; port 0 takes a free one. */
  SLUICE_LISTEN: listenAddress().prefault('127.0.0.1:0'),
  SLUICE_LOG_LEVEL: z.enum(logLevels).default('info'),
  /** File with the postgres:// URL of the signer's own login role. */
  SLUICE_DATABASE_URL_FILE: secretFile(),
  /** File with the redis:// URL of the queue's Redis (noeviction). */
  SLUICE_REDIS_URL_FILE: secretFile(),
  SLUICE_REGISTRY_URL: z.url({ protocol: /^https?$/ }),
  /** File with this process's Ed25519 key, PKCS#8 PEM, whose public half the registry knows. */
  SLUICE_SERVICE_KEY_FILE: secretFile(),
  /** Where the newest snapshot is kept for a start without the registry. */
  SLUICE_SNAPSHOT_FILE: z.string().min(1),
  /** Directory of encrypted PKCS#8 files: the token. */
  SLUICE_KEY_STORE_DIR: z.string().min(1),
  SLUICE_KEY_PASSPHRASE_FILE: secretFile(),
  /** The logical home of the CA keys that this signer serves: part of every lane it works. */
  SLUICE_KEY_GROUP: nameSchema.default('default'),
  /** Name of the token, for logs and back-offs. */
  SLUICE_TOKEN: z.string().min(1).default('file'),
  /** How long claimed work is ours; a lost signer delays its work by this much. Milliseconds. */
  SLUICE_LEASE_MS: z.coerce.number().int().min(1000).max(60_000).default(10_000),
  /** Certificates that are built, signed and verified at once: as many signatures as the token makes side by side. */
  SLUICE_SIGNING_SLOTS: z.coerce.number().int().min(1).max(256).default(4),
});

/** What this service was told. Secrets are contents, already read. */
export interface SignerConfig {
  readonly name: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly logLevel: (typeof logLevels)[number];
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly registryUrl: string;
  readonly serviceKeyPem: string;
  readonly snapshotFile: string;
  readonly keyStoreDir: string;
  readonly keyPassphrase: string;
  readonly keyGroup: string;
  readonly token: string;
  readonly leaseMs: number;
  readonly signingSlots: number;
}

/** The only place of this service that reads the environment. Throws `config-invalid` with every fault at once. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): SignerConfig {
  const read = loadConfig(schema, env);
  return Object.freeze({
    name: read.SLUICE_NAME,
    listen: read.SLUICE_LISTEN,
    logLevel: read.SLUICE_LOG_LEVEL,
    databaseUrl: read.SLUICE_DATABASE_URL_FILE,
    redisUrl: read.SLUICE_REDIS_URL_FILE,
    registryUrl: read.SLUICE_REGISTRY_URL,
    serviceKeyPem: read.SLUICE_SERVICE_KEY_FILE,
    snapshotFile: read.SLUICE_SNAPSHOT_FILE,
    keyStoreDir: read.SLUICE_KEY_STORE_DIR,
    keyPassphrase: read.SLUICE_KEY_PASSPHRASE_FILE,
    keyGroup: read.SLUICE_KEY_GROUP,
    token: read.SLUICE_TOKEN,
    leaseMs: read.SLUICE_LEASE_MS,
    signingSlots: read.SLUICE_SIGNING_SLOTS,
  });
}
