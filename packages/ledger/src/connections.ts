import { Socket } from 'node:net';
import pg from 'pg';

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

/** A pool that can be given up: one dead connection makes all that were made with it suspect. */
export interface Connections {
  connect(): Promise<pg.PoolClient>;
  /** No new calls; idle connections end now, the others as their calls do. Resolves when all have. */
  retire(): Promise<void>;
  /** Ends all at once, without a farewell that a dead peer would never acknowledge. Their calls fail as lost. */
  drop(): void;
}

export function createConnections(url: string, countMax: number): Connections {
  const sockets = new Set<Socket>();
  const pool = new pg.Pool({
    connectionString: url,
    max: countMax,
    connectionTimeoutMillis: 2_000,
    // A server that hangs must not hang us: past this the answer counts as lost.
    query_timeout: 8_000,
    // And a statement nobody waits for any more must not run on.
    statement_timeout: 7_500,
    keepAlive: true,
    // pg keeps its sockets to itself, and its own way to end them waits for the peer.
    stream() {
      const socket = new Socket();
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      return socket;
    },
    types,
  });
  // An idle connection that breaks is dropped by the pool; the next call opens another or reports `unavailable`.
  pool.on('error', () => undefined);
  // One that breaks under a statement says so twice: to the statement, which reports it, and as an event of the client,
  // which without a listener would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));

  let retired: Promise<void> | undefined;
  const retire = (): Promise<void> => {
    retired ??= pool.end();
    return retired;
  };
  return {
    connect: () => pool.connect(),
    retire,
    drop() {
      void retire();
      for (const socket of sockets) socket.destroy();
    },
  };
}
