import { Socket } from 'node:net';
import { withinHeard } from '@sluice/lifecycle';
import pg from 'pg';
import { saidByServer } from './ledger-error.js';

const waitMs = 2500;

/**
 * Does the server at this URL say anything on a connection of its own? A refusal, too, is a sign of life. That we were
 * held up ourselves is none of death.
 */
export async function askAnew(url: string): Promise<boolean> {
  // Ours, so that it can be ended without a peer; no limits of pg's, which count time in which we hear nothing.
  const socket = new Socket();
  const client = new pg.Client({ connectionString: url, stream: () => socket });
  client.on('error', () => undefined);
  const asked = client.connect().then(() => client.query('select 1'));
  asked.catch(() => undefined);
  try {
    const heard = await withinHeard(waitMs, asked);
    if (heard) await client.end().catch(() => undefined);
    return heard;
  } catch (thrown) {
    return saidByServer(thrown);
  } finally {
    socket.destroy();
  }
}
