import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';

/** A push takes less than a second; what a busy machine adds. */
const appliedWaitMs = 60_000;

/** SQL as superuser, on a connection of its own. */
export async function query<Row>(adminUrl: string, sql: string, values: readonly unknown[] = []): Promise<Row[]> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    return (await client.query(sql, [...values])).rows as Row[];
  } finally {
    await client.end();
  }
}

/**
 * Until each of these processes is enrolled and works by the registry's present state, and signers have told their
 * tokens: profiles and accounts are known to front ends, and a token that goes away is one that was there.
 */
export async function untilApplied(adminUrl: string, names: readonly string[]): Promise<void> {
  const end = performance.now() + appliedWaitMs;
  for (;;) {
    const behind = await query<{ name: string }>(
      adminUrl,
      `select expected.name from unnest($1::text[]) as expected (name)
       where not exists (
         select from registry.subscriber s where s.name = expected.name and not s.fenced
           and s.acknowledged_epoch = (select epoch from registry.epoch)
           and (s.service <> 'signer' or s.token is not null))`,
      [names],
    );
    if (behind.length === 0) return;
    if (performance.now() > end) {
      throw new Error(`after ${appliedWaitMs} ms behind: ${behind.map(({ name }) => name).join(', ')}`);
    }
    await wait(50);
  }
}

/** Until nothing is open; throws, naming what is, when that takes longer. */
export async function untilSettled(adminUrl: string, waitMs: number): Promise<void> {
  const end = performance.now() + waitMs;
  for (;;) {
    const open = await query<{ state: string; count: string }>(
      adminUrl,
      'select state, count(*) as count from ledger.work group by state order by state',
    );
    if (open.length === 0) return;
    if (performance.now() > end) {
      throw new Error(`after ${waitMs} ms still open: ${open.map((row) => `${row.count} ${row.state}`).join(', ')}`);
    }
    await wait(100);
  }
}
