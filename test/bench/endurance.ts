import { Client } from 'pg';
import { type ClosedResult, runClosedLoop } from './closed-loop.js';
import type { Target } from './target.js';

export interface Minute {
  readonly minute: number;
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** A transaction was open all through this minute. */
  readonly openTransaction: boolean;
  readonly tableMiB: number;
  readonly indexMiB: number;
  /** Of work, serial, open_fingerprint and idempotency: what vacuum has to keep up with. */
  readonly deadTuples: number;
  readonly workMiB: number;
  readonly vacuumsSoFar: number;
  readonly failures: ClosedResult['failures'];
}

/**
 * Full rate for so many minutes; from the end of the first third to the end of the second a transaction stays open, so
 * that vacuum can take nothing away. After each minute: rate, sizes, dead rows, vacuums.
 */
export async function runEndurance(
  target: Target,
  adminUrl: string,
  options: { clients: number; minutes: number; secondsPerMinute: number; tell: (minute: Minute) => void },
): Promise<Minute[]> {
  const { clients, minutes, secondsPerMinute, tell } = options;
  const watcher = new Client({ connectionString: adminUrl });
  const holder = new Client({ connectionString: adminUrl });
  await Promise.all([watcher.connect(), holder.connect()]);
  const from = Math.floor(minutes / 3);
  const to = Math.floor((minutes * 2) / 3);
  const all: Minute[] = [];
  try {
    for (let minute = 1; minute <= minutes; minute += 1) {
      const openTransaction = minute > from && minute <= to;
      if (minute === from + 1) await openIt(holder);
      const { ratePerSecond, latency, failures } = await runClosedLoop(target, clients, secondsPerMinute);
      const size = await sizes(watcher);
      const { p50Ms, p99Ms } = latency;
      const row: Minute = { minute, ratePerSecond, p50Ms, p99Ms, openTransaction, ...size, failures };
      all.push(row);
      tell(row);
      if (minute === to) await holder.query('rollback');
    }
    return all;
  } finally {
    await Promise.all([watcher.end(), holder.end()]);
  }
}

/** Its snapshot is taken by the first statement; nothing that ends after it can be cleaned away. */
async function openIt(holder: Client): Promise<void> {
  await holder.query('begin isolation level repeatable read');
  await holder.query('select count(*) from ledger.work');
}

type Sizes = Pick<Minute, 'tableMiB' | 'indexMiB' | 'deadTuples' | 'workMiB' | 'vacuumsSoFar'>;

async function sizes(watcher: Client): Promise<Sizes> {
  const { rows } = await watcher.query<Sizes>(`
    select (sum(pg_table_size(c.oid)) / 1048576.0)::float8 as "tableMiB", (sum(pg_indexes_size(c.oid)) / 1048576.0)::float8 as "indexMiB",
      (sum(s.n_dead_tup) filter (where c.relname ~ '^(work|serial|open_fingerprint|idempotency)'))::float8 as "deadTuples",
      (sum(pg_total_relation_size(c.oid)) filter (where c.relname = 'work') / 1048576.0)::float8 as "workMiB",
      sum(s.autovacuum_count + s.vacuum_count)::float8 as "vacuumsSoFar"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_stat_user_tables s on s.relid = c.oid
    where n.nspname = 'ledger' and c.relkind = 'r'`);
  if (rows[0] === undefined) throw new Error('no sizes');
  return rows[0];
}
