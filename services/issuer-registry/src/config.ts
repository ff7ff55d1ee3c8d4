import { listenAddress, loadConfig, secretFile } from '@sluice/config';
import { logLevels } from '@sluice/telemetry';
import { z } from 'zod';

const schema = z.object({
  /** Subscriber name of this process; unique among all processes, since an equal name fences the other one. */
  SLUICE_NAME: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9 and hyphens'),
  /** host:port of the admin API, the snapshot and the status routes; port 0 takes a free one. */
  SLUICE_LISTEN: listenAddress().prefault('127.0.0.1:0'),
  /** File with the PostgreSQL URL of the role of issuer-registry. */
  SLUICE_DATABASE_URL_FILE: secretFile(),
  SLUICE_LOG_LEVEL: z.enum(logLevels).default('info'),
});

export interface Config {
  readonly name: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly databaseUrl: string;
  readonly logLevel: (typeof logLevels)[number];
}

/** The process's configuration. Throws `config-invalid` with every fault at once. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given = loadConfig(schema, env);
  return {
    name: given.SLUICE_NAME,
    listen: given.SLUICE_LISTEN,
    databaseUrl: given.SLUICE_DATABASE_URL_FILE,
    logLevel: given.SLUICE_LOG_LEVEL,
  };
}
