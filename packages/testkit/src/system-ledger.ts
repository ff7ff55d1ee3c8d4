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

/** Until every process works by the registry's present state: profiles and accounts are known to front ends. */
export async function untilApplied(adminUrl: string): Promise<void> {
  const end = performance.now() + appliedWaitMs;
  for (;;) {
    const behind = await query<{ name: string }>(
      adminUrl,
      `select name from registry.subscriber
       where service <> 'issuer-registry' and not fenced and acknowledged_epoch < (select epoch from registry.epoch)`,
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
