import { listenAddress, loadConfig, secretFile } from '@sluice/config';
import { nameSchema } from '@sluice/registry-protocol';
import { logLevels } from '@sluice/telemetry';
import { z } from 'zod';

const openRequestsMax = () => z.coerce.number().int().min(1).max(1_000_000);

/** The type is the manual: every key this service knows. `_FILE` keys hold paths; their contents are what is used. */
const schema = z.object({
  /** The subscriber's name, unique among all processes; its service key is enrolled under it. */
  SLUICE_NAME: nameSchema,
  /** `host:port`; port 0 takes a free one, which the log names (`event: listening`). */
  SLUICE_LISTEN: listenAddress().prefault('127.0.0.1:0'),
  /** PostgreSQL, as the login role of this service. */
  SLUICE_DATABASE_URL_FILE: secretFile(),
  /** The queue's Redis (`noeviction`). */
  SLUICE_REDIS_URL_FILE: secretFile(),
  SLUICE_REGISTRY_URL: z.url({ protocol: /^https?$/ }),
  /** Ed25519, PKCS#8 PEM: how the registry knows us. */
  SLUICE_SERVICE_KEY_FILE: secretFile(),
  /**
   * What nonces are made with, the same at every front end: base64 of 32 octets or more, one a line. The first makes,
   * each is accepted. To replace one: add the new one below, at every front end; then put it first; then take out the old.
   */
  SLUICE_NONCE_SECRET_FILE: secretFile().transform(nonceSecrets),
  /** Where the last registry snapshot is kept, for a start without the registry. */
  SLUICE_SNAPSHOT_FILE: z.string().min(1),
  /**
   * Open requests (queued and being signed) above which new ones are refused, whatever the signers can: per lane, without
   * what is held; per account; and per (account, CA) in a lane.
   */
  SLUICE_OPEN_REQUESTS_MAX: openRequestsMax().default(5000),
  SLUICE_OPEN_REQUESTS_PER_ACCOUNT_MAX: openRequestsMax().default(4000),
  SLUICE_OPEN_REQUESTS_PER_FLOW_MAX: openRequestsMax().default(2500),
  SLUICE_LOG_LEVEL: z.enum(logLevels).default('info'),
});

export interface Config {
  readonly name: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly registryUrl: string;
  readonly serviceKeyPem: string;
  readonly nonceSecrets: readonly [Uint8Array, ...Uint8Array[]];
  readonly snapshotFile: string;
  readonly openRequestsMax: { readonly perLane: number; readonly perAccount: number; readonly perFlow: number };
  readonly logLevel: (typeof logLevels)[number];
}

/** Throws `config-invalid` with every fault at once. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const read = loadConfig(schema, env);
  return {
    name: read.SLUICE_NAME,
    listen: read.SLUICE_LISTEN,
    databaseUrl: read.SLUICE_DATABASE_URL_FILE,
    redisUrl: read.SLUICE_REDIS_URL_FILE,
    registryUrl: read.SLUICE_REGISTRY_URL,
    serviceKeyPem: read.SLUICE_SERVICE_KEY_FILE,
    nonceSecrets: read.SLUICE_NONCE_SECRET_FILE,
    snapshotFile: read.SLUICE_SNAPSHOT_FILE,
    openRequestsMax: {
      perLane: read.SLUICE_OPEN_REQUESTS_MAX,
      perAccount: read.SLUICE_OPEN_REQUESTS_PER_ACCOUNT_MAX,
      perFlow: read.SLUICE_OPEN_REQUESTS_PER_FLOW_MAX,
    },
    logLevel: read.SLUICE_LOG_LEVEL,
  };
}

/** Octets of a secret, at least: those of its hash (RFC 2104 3). */
const nonceSecretBytesMin = 32;

function nonceSecrets(content: string, context: z.RefinementCtx): [Uint8Array, ...Uint8Array[]] {
  const lines = content.split(/\s+/);
  const [first, ...others] = lines.map((line) => Buffer.from(line, 'base64'));
  const isSecret = (secret: Buffer, index: number) =>
    secret.length >= nonceSecretBytesMin && /^[A-Za-z0-9+/]+=*$/.test(lines[index] ?? '');
  if (first !== undefined && [first, ...others].every(isSecret)) return [first, ...others];
  context.addIssue({
    code: 'custom',
    message: `must hold base64 of ${nonceSecretBytesMin} octets or more, one a line`,
  });
  return z.NEVER;
}
