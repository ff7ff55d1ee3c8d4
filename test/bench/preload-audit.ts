import type { Client } from 'pg';

const ranges = 20;
const requestsPerRange = 5000;
const last = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/**
 * The live audit of ranges spread evenly over the time that was loaded; up to 100,000 requests, of as many all. Returns how
 * many it looked at. Throws when an invariant does not hold.
 */
export async function auditSample(client: Client, firstAtMs: number, spanMs: number): Promise<number> {
  let audited = 0;
  for (let range = 0; range < ranges; range += 1) {
    const { rows: ends } = await client.query<{ from: string; to: string }>(
      `select f.id as from, ledger.audit_end(f.id, $2, $3) as to
       from (select ledger.uuid_floor(to_timestamp($1::float8 / 1000)) as id) f`,
      [firstAtMs + (spanMs * range) / ranges, last, requestsPerRange],
    );
    const { rows } = await client.query<{ invariant: string; checked: string; found: string; rows: string[] }>(
      'select invariant, checked, found, rows from ledger.audit($1, $2)',
      [ends[0]?.from, ends[0]?.to],
    );
    const broken = rows.find(({ found }) => Number(found) > 0);
    if (broken !== undefined) throw new Error(`the preloaded ledger breaks ${broken.invariant}: ${broken.rows[0]}`);
    audited += Number(rows.find(({ invariant }) => invariant === 'accounted')?.checked ?? 0);
  }
  return audited;
}
