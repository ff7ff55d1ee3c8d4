import { within } from '@sluice/lifecycle';
import pg from 'pg';
import { saidByServer } from './ledger-error.js';

const waitMs = 2500;

/** Does the server at this URL say anything on a connection of its own? A refusal, too, is a sign of life. */
export async function askAnew(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: waitMs, query_timeout: waitMs });
  client.on('error', () => undefined);
  const asked = client.connect().then(() => client.query('select 1'));
  asked.catch(() => undefined);
  try {
    return await within(waitMs, asked);
  } catch (thrown) {
    return saidByServer(thrown);
  } finally {
    client.end().catch(() => undefined);
  }
}
