import { Client } from 'pg';
import { createLatency, type Latency } from './latency.js';

/** How long this server takes to make one small row durable: what a request cannot be faster than, three times over. */
export async function measureCommit(adminUrl: string, seconds: number): Promise<Latency> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  const latency = createLatency();
  try {
    await client.query(
      'create table if not exists public.bench_commit (id bigint generated always as identity, at timestamptz)',
    );
    const endAtMs = performance.now() + seconds * 1000;
    while (performance.now() < endAtMs) {
      const beganAtMs = performance.now();
      await client.query({ name: 'commit', text: 'insert into public.bench_commit (at) values (now())' });
      latency.add(performance.now() - beganAtMs);
    }
    await client.query('drop table public.bench_commit');
    return latency.read();
  } finally {
    await client.end();
  }
}
