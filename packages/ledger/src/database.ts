import { SluiceError } from '@sluice/errors';
import pg from 'pg';
import { ledgerError } from './ledger-error.js';

export interface DatabaseOptions {
  /** postgres:// URL of this service's login role. */
  readonly url: string;
  /** Connections at most. Few: fit for a transaction pooler. Default 8. */
  readonly poolMax?: number | undefined;
}

/** A verb is one statement: one call, one transaction. */
export interface Database {
  call<R extends object>(statement: Statement, values: readonly unknown[]): Promise<R[]>;
  close(): Promise<void>;
}

/** Prepared once per connection, under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

const int8 = 20;
const timestamptz = 1184;

/** int8 as bigint; everything else as pg does by default. */
const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === int8 && format !== 'binary') return (text: string) => BigInt(text);
    if (oid === timestamptz && format !== 'binary') return (text: string) => new Date(text);
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
  },
};

/** Connections to the ledger. Throws nothing by itself: the first call tells whether the server is there. */
export function createDatabase(options: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolMax ?? 8,
    connectionTimeoutMillis: 2_000,
    // A server that hangs must not hang us: past this the answer counts as lost.
    query_timeout: 8_000,
    // And a statement nobody waits for any more must not run on.
    statement_timeout: 7_500,
    keepAlive: true,
    types,
  });
  // An idle connection that breaks is dropped by the pool; the next call opens another or reports `unavailable`.
  pool.on('error', () => undefined);
  // One that breaks under a statement says so twice: to the statement, which reports it, and as an event of the client,
  // which without a listener would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));

  return {
    async call<R extends object>(statement: Statement, values: readonly unknown[]): Promise<R[]> {
      let client: pg.PoolClient;
      try {
        client = await pool.connect();
      } catch (thrown) {
        throw ledgerError(thrown, false);
      }
      let broken = false;
      try {
        const result = await client.query({ name: statement.name, text: statement.text, values: [...values] });
        return result.rows as R[]; // each statement is written beside the type of its rows
      } catch (thrown) {
        const error = ledgerError(thrown, true);
        broken = error.code === 'outcome-unknown';
        throw error;
      } finally {
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}

/** The settings without which a commit may be lost. Checked when a service enrols; it refuses to start otherwise. */
export async function assertDurable(database: Database): Promise<void> {
  const [row] = await database.call<{
    version: number;
    fsync: string;
    synchronous_commit: string;
    full_page_writes: string;
  }>(
    {
      name: 'assert_durable',
      text: `select current_setting('server_version_num')::integer as version, current_setting('fsync') as fsync,
        current_setting('synchronous_commit') as synchronous_commit, current_setting('full_page_writes') as full_page_writes`,
    },
    [],
  );
  const faults: string[] = [];
  if (row === undefined || row.version < 170_000) faults.push('PostgreSQL 17 or later is needed');
  if (row?.fsync === 'off') faults.push('fsync is off');
  if (row?.synchronous_commit === 'off') faults.push('synchronous_commit is off');
  if (row?.full_page_writes === 'off') faults.push('full_page_writes is off');
  if (faults.length > 0)
    throw new SluiceError('config-invalid', `PostgreSQL may lose what it has committed: ${faults.join(', ')}`, {
      facts: { faults },
    });
}
