import type { Client } from 'pg';

/** A table of the ledger, its partitions counted together. */
export interface TableSize {
  readonly table: string;
  /** By the statistics of the planner and of vacuum: an estimate. */
  readonly rows: number;
  readonly tableMiB: number;
  readonly indexMiB: number;
  readonly deadRows: number;
  /** Vacuums so far, by hand and by itself. */
  readonly vacuums: number;
}

const statement = `
  select coalesce(p.relname, c.relname) as table,
    sum(coalesce(s.n_live_tup, 0))::float8 as rows,
    (sum(pg_table_size(c.oid)) / 1048576.0)::float8 as "tableMiB", (sum(pg_indexes_size(c.oid)) / 1048576.0)::float8 as "indexMiB",
    sum(coalesce(s.n_dead_tup, 0))::float8 as "deadRows", sum(coalesce(s.autovacuum_count + s.vacuum_count, 0))::float8 as vacuums
  from pg_class c
  left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent
  left join pg_stat_user_tables s on s.relid = c.oid
  where c.relnamespace = 'ledger'::regnamespace and c.relkind = 'r'
  group by 1 order by sum(pg_total_relation_size(c.oid)) desc, 1`;

/** Largest first. */
export async function tableSizes(client: Client): Promise<TableSize[]> {
  return (await client.query<TableSize>(statement)).rows;
}
