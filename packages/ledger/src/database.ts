import type { Breakers } from '@sluice/breaker';
import { SluiceError } from '@sluice/errors';
import { withinHeard } from '@sluice/lifecycle';
import type pg from 'pg';
import { askAnew } from './ask-anew.js';
import { type Connections, createConnections } from './connections.js';
import { isContention, isReadOnly, ledgerError, wasOvertaken } from './ledger-error.js';
import { createSilenceWatch } from './silence-watch.js';

export interface DatabaseOptions {
  /** postgres:// URL of this service's login role. */
  readonly url: string;
  /** Connections at most. Few: fit for a transaction pooler. Default 8. */
  readonly poolMax?: number | undefined;
  /** Calls go through a breaker `ledger` of these. Without any (tools, tests) each finds out by itself. */
  readonly breakers?: Breakers | undefined;
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

/** A probe without an answer by then has failed. Why, the silence watch finds out. */
const probeWaitMs = 1500;
const takesWrites: Statement = { name: 'takes_writes', text: 'select ledger.takes_writes()' };

/**
 * The ledger, over connections of this process. Throws nothing by itself: the first call tells whether the server is
 * there. One that is away is refused at once by the breaker. One that hangs is noticed within 6 s by the silence watch,
 * and all connections are dropped. Connections that went dead without a word are noticed by the first lost answer
 * (8 s), after which none of their age is used again.
 */
export function createDatabase(options: DatabaseOptions): Database {
  const { url, poolMax = 8, breakers } = options;
  let connections = createConnections(url, poolMax);

  /** The next call gets a connection made after this. */
  function startAnew(suspect: Connections): void {
    if (suspect === connections) connections = createConnections(url, poolMax);
    void suspect.retire();
  }

  async function perform<R extends object>({ name, text }: Statement, values: readonly unknown[]): Promise<R[]> {
    const used = connections;
    let client: pg.PoolClient;
    try {
      client = await used.connect();
    } catch (thrown) {
      throw ledgerError(thrown, false);
    }
    let lost = false;
    try {
      const ask = () => client.query({ name, text, values: [...values] });
      const result = await ask().catch((thrown: unknown) => {
        if (wasOvertaken(thrown)) return ask();
        throw thrown;
      });
      return result.rows as R[]; // each statement is written beside the type of its rows
    } catch (thrown) {
      const error = ledgerError(thrown, true);
      lost = error.code === 'outcome-unknown' || isReadOnly(error);
      throw error;
    } finally {
      client.release(lost);
      if (lost) startAnew(used);
    }
  }

  /** Nobody answers: whoever waits for an answer is told now. */
  function dropAll(): void {
    const silent = connections;
    startAnew(silent);
    silent.drop();
  }

  const breaker = breakers?.create({
    name: 'ledger',
    backOff: 'dependency',
    refuse: () => new SluiceError('unavailable', 'The ledger is away; nothing was sent'),
    answered: isContention,
    // Over the pool: a server that has no room for new connections may still serve the ones we have. By what would be
    // refused if it took no writes: one with a full disk, or a standby by now, answers all else.
    async probe() {
      const asked = watch.during(perform(takesWrites, []));
      asked.catch(() => undefined);
      if (!(await withinHeard(probeWaitMs, asked))) throw new SluiceError('unavailable', 'The ledger does not answer');
    },
  });
  const watch = createSilenceWatch({
    isThere: () => askAnew(url),
    onSilent() {
      breaker?.open();
      dropAll();
    },
  });

  return {
    call<R extends object>(statement: Statement, values: readonly unknown[]): Promise<R[]> {
      const watched = () => watch.during(perform<R>(statement, values));
      return breaker ? breaker.run(watched) : watched();
    },
    async close() {
      watch.stop();
      await connections.retire();
    },
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
