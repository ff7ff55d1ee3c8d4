import { Socket } from 'node:net';
import { within } from '@sluice/lifecycle';
import pg from 'pg';

/** For each step of connecting and of leaving: a server that hangs keeps nobody. */
const stepWaitMs = 2000;
/** After a connection that was lost or refused; meanwhile the poll finds what is new. */
const againMs = 1000;

interface Listening {
  readonly client: pg.Client;
  /** pg's own way to end it waits for the peer. */
  readonly socket: Socket;
}

/**
 * Calls back when the epoch has grown, and after each (re)connection, since what happened meanwhile was not heard.
 * Throws nothing: a ledger that is away is asked again each second until `close`.
 */
export async function listenForEpochs(url: string, listener: () => void): Promise<{ close(): Promise<void> }> {
  let held: Listening | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function listen(): Promise<void> {
    const socket = new Socket();
    const mine: Listening = {
      socket,
      client: new pg.Client({
        connectionString: url,
        stream: () => socket,
        connectionTimeoutMillis: stepWaitMs,
        query_timeout: stepWaitMs,
        keepAlive: true,
      }),
    };
    held = mine;
    const lost = (): void => {
      if (held !== mine) return;
      held = undefined;
      void leave(mine);
      if (!closed) timer = setTimeout(() => void listen(), againMs);
    };
    mine.client.on('error', lost);
    mine.client.on('end', lost);
    mine.client.on('notification', listener);
    try {
      await mine.client.connect();
      await mine.client.query('listen sluice_epoch');
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
      const mine = held;
      held = undefined;
      if (mine !== undefined) await leave(mine);
    },
  };
}

/** Says goodbye, and hangs up when that is not heard. */
async function leave({ client, socket }: Listening): Promise<void> {
  await within(stepWaitMs, client.end()).catch(() => false);
  socket.destroy();
}
