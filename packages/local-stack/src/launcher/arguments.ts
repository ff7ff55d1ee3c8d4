import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SluiceError } from '@sluice/errors';

export interface Arguments {
  readonly help: boolean;
  /** Delete what is there and begin anew. */
  readonly fresh: boolean;
  readonly signers: number;
  readonly frontEnds: number;
  /** Of the first identity-api; undefined: 8080, or the one remembered, or a free one. */
  readonly port: number | undefined;
  /** Absolute; undefined: .local/ in the project. */
  readonly dir: string | undefined;
}

export const help = `Usage: npm start -- [options]

Starts Sluice on this machine: a PostgreSQL and two Redis of its own, every service, and, the
first time, a demo hierarchy of CAs with an account. Everything lies below .local/ and is there
again at the next start. Ctrl-C drains and stops it all; a second Ctrl-C does not wait.

Options:
  --signers N      signer processes (default 1)
  --front-ends N   identity-api processes (default 1)
  --port N         port of the first identity-api on 127.0.0.1 (default 8080, or a free one)
  --dir PATH       keep everything below PATH instead of .local/
  --fresh          delete what lies there first: data, CA keys, demo, logs
  --help           show this

Environment:
  DATABASE_URL     a PostgreSQL 17 or later to use instead of our own, as a role that may create roles
  REDIS_URL        a Redis 6.2 or later with maxmemory-policy noeviction, for the queue
  CACHE_REDIS_URL  a Redis that may evict, for caches

Examples:
  npm start
  npm start -- --signers 2 --front-ends 2
  npm start -- --fresh
`;

const processesMax = 16;

/** Throws `config-invalid` naming the option at fault. */
export function readArguments(argv: readonly string[]): Arguments {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        help: { type: 'boolean', short: 'h' },
        fresh: { type: 'boolean' },
        signers: { type: 'string' },
        'front-ends': { type: 'string' },
        port: { type: 'string' },
        dir: { type: 'string' },
      },
    }));
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('config-invalid', `${said} (see --help)`, { cause });
  }
  const number = (name: string, lowest: number, highest: number): number | undefined => {
    const given = values[name];
    if (given === undefined) return undefined;
    const read = Number(given);
    if (Number.isInteger(read) && read >= lowest && read <= highest) return read;
    throw new SluiceError('config-invalid', `--${name} takes a number from ${lowest} to ${highest}, not "${given}"`);
  };
  return {
    help: values.help === true,
    fresh: values.fresh === true,
    signers: number('signers', 1, processesMax) ?? 1,
    frontEnds: number('front-ends', 1, processesMax) ?? 1,
    port: number('port', 1, 65_535),
    dir: typeof values.dir === 'string' ? resolve(values.dir) : undefined,
  };
}
