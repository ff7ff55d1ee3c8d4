import type { System } from '@sluice/testkit';
import { createLatency, type Latency } from './latency.js';

export interface WhyResult {
  /** Rows of ledger.request, by the planner's statistics. */
  readonly requests: number;
  readonly latency: Latency;
}

/** `sluice why` of requests from all over the ledger, through the admin API. */
export async function measureWhy({ admin, query }: System, times: number): Promise<WhyResult> {
  await query('analyze ledger.request');
  const [size] = await query<{ requests: string }>(
    `select sum(greatest(c.reltuples, 0))::bigint as requests from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'ledger.request'::regclass`,
  );
  const share = Math.max(0.001, Math.min(100, (times * 300 * 100) / Math.max(1, Number(size?.requests))));
  const rows = await query<{ id: string }>(
    `select id from ledger.request tablesample system (${share}) order by random() limit ${times}`,
  );
  const latency = createLatency();
  for (const { id } of rows) {
    const beganAtMs = performance.now();
    await admin.call('GET', `/admin/v1/requests/${id}`);
    latency.add(performance.now() - beganAtMs);
  }
  return { requests: Number(size?.requests ?? 0), latency: latency.read() };
}
