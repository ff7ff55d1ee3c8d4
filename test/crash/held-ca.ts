import type { System } from '@sluice/testkit';
import { Client } from 'pg';

/** The CA of `testProfiles.p256`. */
const ca = 'ca-p256';

/** SQL as superuser on one connection; its locks end with it. */
export async function withSession<R>(system: System, work: (session: Client) => Promise<R>): Promise<R> {
  const session = new Client({ connectionString: system.adminUrl });
  session.on('error', () => undefined); // some kill the server meanwhile
  await session.connect();
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}

/** As somebody who changes the CA does: claims skip it, and what is ordered of it stays queued. */
export const holdCa = (session: Client) => session.query(`select pg_advisory_lock(registry.lock_key('ca', $1))`, [ca]);
export const letCaGo = (session: Client) =>
  session.query(`select pg_advisory_unlock(registry.lock_key('ca', $1))`, [ca]);

export function whileCaIsHeld<R>(system: System, work: () => Promise<R>): Promise<R> {
  return withSession(system, async (session) => {
    await holdCa(session);
    return await work();
  });
}
