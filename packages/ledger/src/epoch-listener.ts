import pg from 'pg';

const connectWaitMs = 2000;
/** After a connection that was lost or refused; meanwhile the poll finds what is new. */
const againMs = 1000;

/**
 * Calls back when the epoch has grown, and after each (re)connection, since what happened meanwhile was not heard.
 * Throws nothing: a ledger that is away is asked again each second until `close`.
 */
export async function listenForEpochs(url: string, listener: () => void): Promise<{ close(): Promise<void> }> {
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function listen(): Promise<void> {
    const mine = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectWaitMs, keepAlive: true });
    client = mine;
    const lost = (): void => {
      if (client !== mine) return;
      client = undefined;
      void mine.end().catch(() => undefined);
      if (!closed) timer = setTimeout(() => void listen(), againMs);
    };
    mine.on('error', lost);
    mine.on('end', lost);
    mine.on('notification', listener);
    try {
      await mine.connect();
      await mine.query('listen sluice_epoch');
      listener();
    } catch {
      lost();
    }
  }

  await listen();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      const mine = client;
      client = undefined;
      await mine?.end().catch(() => undefined);
    },
  };
}
