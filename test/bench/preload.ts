import { makeCsr, type System, testProfiles } from '@sluice/testkit';
import { Client } from 'pg';
import { auditSample } from './preload-audit.js';
import { createFresh, createPattern, fills, numberInName } from './preload-rows.js';
import { type TableSize, tableSizes } from './table-sizes.js';

export interface PreloadResult {
  readonly requests: number;
  /** Of writing the rows; vacuum and audit come on top. */
  readonly fillSeconds: number;
  readonly seconds: number;
  readonly weeks: number;
  readonly sizes: readonly TableSize[];
}

const weeks = 12;
const requestsPerCommit = 25_000;
const hourMs = 3_600_000;
const weekMs = 7 * 24 * hourMs;

/**
 * Requests of the twelve weeks until an hour ago, as many as asked for, evenly spread over their partitions, with all
 * that belongs to them: written as a replica writes (no trigger runs), vacuumed, and then looked at by the live audit,
 * so that what is measured afterwards is a ledger that could have come about. The rows are as wide as a really issued
 * one, and as distinct. `tell` hears how far it is, every five seconds.
 */
export async function preload(system: System, requests: number, tell: (line: string) => void): Promise<PreloadResult> {
  const beganAtMs = performance.now();
  const pattern = await issuePattern(system);
  const clients = await Promise.all(fills.map(() => connect(system.adminUrl)));
  const [first] = clients as [Client];
  try {
    // Vacuum comes at the end, once; the server is the benchmark's own.
    await first.query('alter system set autovacuum = off');
    await first.query('select pg_reload_conf()');
    for (let week = weeks; week >= 0; week -= 1)
      await first.query('select ledger.make_partitions(1, clock_timestamp() - make_interval(weeks => $1))', [week]);
    const firstAtMs = Date.now() - hourMs - weeks * weekMs;
    const progress = createProgress(requests, tell);
    await Promise.all(
      clients.map((client, index) => fillAll(client, { index, pattern, requests, firstAtMs }, progress)),
    );
    const fillSeconds = (performance.now() - beganAtMs) / 1000;
    tell(`loaded ${requests.toLocaleString('en')} requests in ${fillSeconds.toFixed(0)} s; vacuum …`);
    await vacuumAll(clients);
    await first.query('alter system reset autovacuum');
    await first.query('select pg_reload_conf()');
    await first.query('checkpoint');
    const audited = await auditSample(first, firstAtMs, weeks * weekMs);
    tell(`the live audit found nothing wrong with ${audited.toLocaleString('en')} of them`);
    const seconds = (performance.now() - beganAtMs) / 1000;
    return { requests, fillSeconds, seconds, weeks, sizes: await tableSizes(first) };
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

/** What is loaded is made after it: a request that this system accepted and issued. */
async function issuePattern(system: System): Promise<string> {
  const commonName = `client-${numberInName}.example`;
  const { id, status } = await system.client().post({
    profile: testProfiles.p256,
    subjectDn: { common_name: commonName },
    csr: makeCsr('ec-p256', commonName).pem,
    key: 'preload',
  });
  if (status !== 201 || id === undefined) throw new Error(`the pattern of the preload was answered ${status}`);
  return id;
}

async function connect(adminUrl: string): Promise<Client> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  await client.query("set synchronous_commit = off; set temp_buffers = '64MB'; set session_replication_role = replica");
  return client;
}

interface Share {
  readonly index: number;
  readonly pattern: string;
  readonly requests: number;
  readonly firstAtMs: number;
}

async function fillAll(client: Client, share: Share, progress: (index: number, done: number) => void): Promise<void> {
  const { index, pattern, requests, firstAtMs } = share;
  await client.query(createPattern, [pattern]);
  for (let from = 0; from < requests; from += requestsPerCommit) {
    const to = Math.min(requests, from + requestsPerCommit);
    await client.query('begin');
    await client.query(createFresh, [from, to, firstAtMs, (weeks * weekMs) / requests]);
    for (const statement of fills[index] ?? []) await client.query(statement);
    await client.query('commit');
    progress(index, to);
  }
}

/** As far as the slowest connection is. */
function createProgress(requests: number, tell: (line: string) => void): (index: number, done: number) => void {
  const beganAtMs = performance.now();
  const doneBy = fills.map(() => 0);
  let toldAtMs = beganAtMs;
  return (index, done) => {
    doneBy[index] = done;
    const nowMs = performance.now();
    const all = Math.min(...doneBy);
    if (nowMs - toldAtMs < 5000 || all === 0) return;
    toldAtMs = nowMs;
    const perSecond = (all * 1000) / (nowMs - beganAtMs);
    const left = (requests - all) / perSecond;
    tell(
      `loaded ${all.toLocaleString('en')} of ${requests.toLocaleString('en')} requests, ${perSecond.toFixed(0)}/s, about ${left.toFixed(0)} s to go`,
    );
  };
}

/** As they would have been long ago; by as many connections as there are, the largest first. */
async function vacuumAll(clients: readonly Client[]): Promise<void> {
  const { rows } = await (clients[0] as Client).query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c where c.relnamespace = 'ledger'::regnamespace and c.relkind = 'r' order by c.relpages desc, pg_table_size(c.oid) desc`,
  );
  const names = rows.map(({ name }) => name);
  await Promise.all(
    clients.map(async (client) => {
      for (let name = names.shift(); name !== undefined; name = names.shift())
        await client.query(`vacuum (analyze) ${name}`);
    }),
  );
  // Of the partitioned ones themselves autovacuum never makes statistics.
  await (clients[0] as Client).query('analyze ledger.request, ledger.outcome, ledger.certificate, ledger.event');
}
