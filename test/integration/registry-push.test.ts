import { setTimeout as wait } from 'node:timers/promises';
import { makeCsr, type RecordingClient, type System, startSystem, testProfiles } from '@sluice/testkit';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findingsSince, pushFaults } from './push-faults.js';

/** Each fault of the push is found within 10 s and healed within 15; a busy machine adds to it. */
const healed = { timeout: 25_000, interval: 100 };

let system: System;
let client: RecordingClient;

interface Row {
  name: string;
  acknowledged: string;
  incarnation: string;
  fenced: boolean;
}
const rows = (): Promise<Row[]> =>
  system.query(`select name, acknowledged_epoch::text as acknowledged, fenced, incarnation::text
    from registry.subscriber where service <> 'issuer-registry' order by name`);
const newest = async (): Promise<string> => {
  const [row] = await system.query<{ epoch: string }>('select epoch::text from registry.epoch');
  return row?.epoch ?? '';
};
/** Every front end and signer that is not fenced has proved that the newest version is in force there. */
const allApplied = async (): Promise<void> => {
  const epoch = await newest();
  await expect.poll(async () => (await rows()).map(({ acknowledged }) => acknowledged), healed).toEqual([epoch, epoch]);
};
let made = 0;
const change = async (): Promise<void> => {
  made += 1;
  await system.admin.call('POST', '/admin/v1/accounts', { name: `pushed-${made}`, profiles: [] });
};

beforeAll(async () => {
  system = await startSystem({ wires: true });
  client = system.client();
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

const order = (apiKey?: string) => {
  const { pem: csr } = makeCsr('ec-p256', 'push.example');
  const by = apiKey === undefined ? client : system.client({ apiKey });
  return by.post({ profile: testProfiles.p256, csr, subjectDn: { common_name: 'push.example' } });
};

it('each change is acknowledged by everyone', async () => {
  await allApplied();
  await change();
  await allApplied();
});

describe('faults on the wire to the registry', () => {
  it.each<[string, () => void]>([
    ['cut', () => system.wires?.registry.cut()],
    ['nothing gets through', () => system.wires?.registry.blackHole()],
    ['what is said to the registry arrives, its answers do not', () => system.wires?.registry.halfOpen()],
    ['connections dead without a word', () => system.wires?.registry.forget()],
  ])('%s: healed, and what came meanwhile is applied', async (_, damage) => {
    damage();
    await change();
    await wait(1000);
    system.wires?.registry.heal();
    await allApplied();
  });
});

describe('faults of the stream', () => {
  it.each(pushFaults)('$what: healed', async ({ make, changes, found }) => {
    await allApplied();
    const sinceMs = Date.now();
    system.wires?.registry.alterAnswers(make);
    try {
      for (let count = 0; count < changes; count += 1) await change();
      await allApplied();
    } finally {
      system.wires?.registry.heal();
    }
    const finders = new Set(findingsSince(system, sinceMs).map(({ name }) => name));
    if (!found) expect([...finders]).toEqual([]);
  });
});

/** A change while an accept and a claim wait: who had acknowledged it, and whether both still waited by then. */
async function changeMeanwhile(): Promise<{ readonly waited: boolean; readonly acknowledged: string[] }> {
  await allApplied();
  const holder = new Client({ connectionString: system.adminUrl });
  await holder.connect();
  const waits = async (verb: string): Promise<boolean> =>
    (
      await system.query(
        `select from pg_locks l join pg_stat_activity a on a.pid = l.pid
         where not l.granted and l.relation = 'ledger.work'::regclass and a.query like $1`,
        [`%ledger.${verb}(%`],
      )
    ).length > 0;
  const bothWait = async (): Promise<boolean> => (await waits('accept')) && (await waits('claim'));
  try {
    // Whatever is accepted or claimed waits for us to end.
    await holder.query('begin');
    await holder.query('lock table ledger.work in access exclusive mode');
    const answer = order();
    await expect.poll(bothWait, healed).toBe(true);
    await change();
    const epoch = await newest();
    const applied = async (): Promise<boolean[]> =>
      (
        await system.query<{ applied: boolean }>(
          `select applied_epoch >= $1 as applied from registry.subscriber where service <> 'issuer-registry'`,
          [epoch],
        )
      ).map((row) => row.applied);
    await expect.poll(applied, healed).toEqual([true, true]);
    const acknowledged = (await rows()).filter((row) => row.acknowledged === epoch).map(({ name }) => name);
    const waited = await bothWait();
    await holder.query('rollback');
    await allApplied();
    if (waited) expect((await answer).status).toBe(201);
    else await answer;
    return { waited, acknowledged };
  } finally {
    await holder.end();
  }
}

it('accepts and claims that began before a change are waited for before it is acknowledged', async () => {
  // A verb waits for a lock for 3 s only: on a machine that is slower than that it has ended, and nothing was seen.
  const seen = await vi.waitUntil(
    async () => {
      const one = await changeMeanwhile();
      return one.waited && one;
    },
    { timeout: 100_000 },
  );
  expect(seen.acknowledged).toEqual([]);
});

it('a subscriber that is frozen is fenced when its lease is out, enrols anew when it wakes, and catches up before it accepts', async () => {
  const [front] = system.frontEnds;
  const mine = async (): Promise<Row | undefined> => (await rows()).find(({ name }) => name === front?.name);
  const before = await mine();
  front?.process.freeze();
  try {
    await change();
    await system.query(`update registry.subscriber set lease_until = clock_timestamp() where name = $1`, [front?.name]);
    await expect.poll(async () => (await mine())?.fenced, healed).toBe(true);
  } finally {
    front?.process.thaw();
  }
  await allApplied();
  expect(Number((await mine())?.incarnation)).toBeGreaterThan(Number(before?.incarnation));
  await expect.poll(async () => (await order()).status, healed).toBe(201);
});

it('an API key that is revoked stops working at the push', async () => {
  expect((await order(system.otherApiKey)).status).toBe(201);
  const account = await system.query<{ account: string; hash: Buffer }>(
    `select account, hash from registry.api_key where hash = sha256(convert_to($1, 'UTF8'))`,
    [system.otherApiKey],
  );
  const [known] = account;
  await system.admin.call('POST', `/admin/v1/accounts/${known?.account}/keys/revoke`, {
    api_key_hash: known?.hash.toString('hex'),
    reason: 'leaked',
  });
  await allApplied();
  expect((await order(system.otherApiKey)).status).toBe(401);
});
