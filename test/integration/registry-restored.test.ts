import { execFileSync } from 'node:child_process';
import { enrolOperator } from '@sluice/ledger';
import { makeCsr, type System, startSystem, testProfiles } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { doLine } from './runbook-lines.js';
import { commandsOf } from './runbook-page.js';
import { createOperator, type Operator } from './sluice-command.js';

// Goal: an older state of the database never becomes anybody's by itself, at whatever epoch; and the commands of
// registry-rolled-back.md make it count again. Method: PostgreSQL's files are put back while everything runs.

let system: System;
let alice: Operator;
let bob: Operator;
beforeAll(async () => {
  system = await startSystem({ postgres: 'own' });
  alice = createOperator('alice', system.dir, () => system.registry.url);
  bob = createOperator('bob', system.dir, () => system.registry.url);
  for (const operator of [alice, bob]) await enrolOperator(system.adminUrl, operator);
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

const soon = { timeout: 60_000, interval: 100 };
const ca = 'ca-p256';
const lines = commandsOf('registry-rolled-back.md');
const find = (part: string): string => lines.find((line) => line.includes(part)) ?? `no ${part} on the page`;

const order = async (profile: string): Promise<unknown> => {
  const name = 'restored.example';
  const csr = makeCsr(profile === testProfiles.p256 ? 'ec-p256' : 'rsa-2048', name).pem;
  const { status, body } = await system.client().post({ profile, csr, subjectDn: { common_name: name } });
  return status === 201 ? status : (body as { code?: unknown }).code;
};
const account = (name: string) => system.admin.call('POST', '/admin/v1/accounts', { name, profiles: [] });
interface Row {
  name: string;
  service: string;
  standing: string;
  applied_epoch: string;
  refusal: { code: string } | null;
}
const subscribers = async (): Promise<{ epoch: string; subscribers: Row[] }> =>
  JSON.parse((await alice.sluice('subscribers', '--json')).out) as { epoch: string; subscribers: Row[] };
const standings = async (): Promise<string[]> => {
  const { subscribers: rows } = await subscribers();
  const waitedFor = rows.filter(({ service }) => service !== 'issuer-registry');
  return waitedFor.map((row) => `${row.name} ${row.standing === 'applied' ? 'applied' : row.refusal?.code}`);
};
/** While PostgreSQL is down; then everything finds it again. */
async function whileStopped(work: (dataDir: string) => void): Promise<void> {
  const [row] = await system.query<{ data_directory: string }>('show data_directory');
  await system.postgres?.stop();
  work(row?.data_directory ?? '');
  await system.postgres?.restart();
  await expect.poll(() => alice.sluice('subscribers').then(({ exitCode }) => exitCode), soon).toBe(0);
}

it('an older state that is put back is refused, also at the same epoch, until two operators admit it', {
  timeout: 240_000,
}, async () => {
  const [front, signer] = [system.frontEnds[0], system.signers[0]];
  if (front === undefined || signer === undefined) throw new Error('no front end, or no signer');
  await whileStopped((dir) => execFileSync('cp', ['-a', dir, `${dir}.backup`]));
  await expect.poll(() => order(testProfiles.p256), soon).toBe(201);

  await account('lost');
  await alice.sluice('ca', 'disable', ca, '--reason', 'a drill', '--yes', '--wait');
  const { epoch } = await subscribers();
  expect(await order(testProfiles.p256)).toBe('ca-disabled');

  await whileStopped((dir) => {
    execFileSync('rm', ['-r', dir]);
    execFileSync('mv', [`${dir}.backup`, dir]);
  });
  const both = [front, signer].map(({ name }) => name);
  const refusing = both.map((name) => `${name} epoch-rolled-back`);
  await expect.poll(standings, soon).toEqual(refusing);
  expect(await order(testProfiles.p256)).toBe('ca-disabled');

  await signer.process.terminate();
  for (const line of [find('subscribers'), find('status')]) await doLine(alice, line);
  // What was lost is made again, in other words: the same epoch, and not the same state.
  await account('found');
  await doLine(alice, find('ca disable'), { CA: ca });
  expect((await subscribers()).epoch).toBe(epoch);
  await expect
    .poll(async () => (await subscribers()).subscribers.find(({ name }) => name === front.name), soon)
    .toMatchObject({ applied_epoch: epoch, refusal: { epoch, code: 'epoch-rolled-back' } });

  const [trial, admit] = lines.filter((line) => line.includes('registry restored')) as [string, string];
  await doLine(alice, trial, { EPOCH: epoch });
  await doLine(alice, admit, { EPOCH: epoch }, 7);
  await doLine(bob, admit, { EPOCH: epoch });
  expect(Number((await subscribers()).epoch)).toBeGreaterThan(Number(epoch));
  // From its own file, which is of the lost epoch.
  await signer.start();
  await expect.poll(standings, soon).toEqual(both.map((name) => `${name} applied`));
  await expect.poll(() => order(testProfiles.rsa), soon).toBe(201);
  expect(await order(testProfiles.p256)).toBe('ca-disabled');
  await doLine(alice, find('audit live'));
});
