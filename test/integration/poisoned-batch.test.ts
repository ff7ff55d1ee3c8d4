import { randomUUID } from 'node:crypto';
import { makeCsr, type RecordingClient, type System, startSystem, testProfiles } from '@sluice/testkit';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';

// One row that PostgreSQL itself refuses, among 64 that share a commit, through the real front end.

/** Commits under way at once (identity-ledger.ts): as many are held up, so that all else gathers behind them. */
const commitsAtOnce = 3;
const batchMax = 64;

let system: System;
let client: RecordingClient;
beforeAll(async () => {
  system = await startSystem();
  client = system.client();
  // Planted in this test's database only: no check of ours would let such a row come this far.
  await system.query(`alter table ledger.request add constraint planted check (content not like '%poison.example%')`);
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

const order = (commonName: string, key?: string) =>
  client.post({
    ...{ profile: testProfiles.p256, csr: makeCsr('ec-p256', commonName).pem, subjectDn: { common_name: commonName } },
    ...(key === undefined ? {} : { key }),
  });

/** A number that the front end tells of itself; 0 while there is none. */
async function metric(name: string, ...labels: readonly string[]): Promise<number> {
  const text = await (await fetch(`${system.frontEnds[0]?.url}/metrics`)).text();
  const line = text
    .split('\n')
    .find((row) => row.startsWith(`${name}{`) && labels.every((label) => row.includes(label)));
  return Number(line?.split(' ').at(-1) ?? 0);
}

const verified = () => metric('sluice_step_seconds_count', 'step="verify-key"');
/** Commits of accept with no more rows than that. */
const committed = (size: number) => metric('sluice_ledger_batch_size_bucket', `le="${size}"`, 'verb="accept"');

async function heldUp(): Promise<number> {
  const [row] = await system.query<{ count: string }>(
    `select count(*) as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return Number(row?.count);
}

it('63 get their certificates; the one is told that nothing of it was stored', async () => {
  const holder = new Client({ connectionString: system.adminUrl });
  await holder.connect();
  await holder.query('begin; lock table ledger.request in share row exclusive mode');
  const plugs = [];
  for (let count = 1; count <= commitsAtOnce; count += 1) {
    plugs.push(order(`plug-${count}.example`));
    await expect.poll(heldUp).toBe(count);
  }
  const verifiedBefore = await verified();
  const names = Array.from({ length: batchMax }, (_, at) => (at === 20 ? 'poison.example' : `good-${at}.example`));
  const answers = names.map((name) => order(name));
  await expect.poll(verified, { timeout: 20_000 }).toBe(verifiedBefore + batchMax);
  const sizes = [1, 2, 4, 8, 16, 32, 64];
  const before = await Promise.all(sizes.map(committed));
  await holder.query('commit');
  await holder.end();

  expect((await Promise.all(plugs)).map(({ status }) => status)).toEqual([201, 201, 201]);
  const all = await Promise.all(answers);
  const [poisoned] = all.splice(20, 1);
  expect(all.map(({ status }) => status)).toEqual(Array(63).fill(201));
  expect(poisoned).toMatchObject({ status: 500, code: 'internal', fate: 'not-issued' });
  // They did share one commit: 64 were split into halves until the one was alone, and each other half was committed.
  // The buckets count all that is not larger: 3 plugs and one of 1, and then one more at each size.
  const after = await Promise.all(sizes.map(committed));
  expect(after.map((count, at) => count - (before[at] ?? 0))).toEqual([4, 5, 6, 7, 8, 9, 9]);
});

it('what it was told is true: no request, no work, no serial', async () => {
  await system.settle(10_000);
  const { violations, counts } = await system.audit(client.answers);
  expect(violations).toEqual([]);
  expect(counts).toMatchObject({ certificatesAnswered: commitsAtOnce + batchMax - 1 });
  const [row] = await system.query<{ count: string }>(
    `select count(*) as count from ledger.request where content like '%poison%'`,
  );
  expect(Number(row?.count)).toBe(0);
});

it('the same under a key is unknown, since an equal call elsewhere may fare better; the key stays free', async () => {
  const key = randomUUID();
  expect(await order('poison.example', key)).toMatchObject({ status: 500, code: 'internal', fate: 'unknown' });
  await system.query('alter table ledger.request drop constraint planted');
  expect(await order('cured.example', key)).toMatchObject({ status: 201 });
});
