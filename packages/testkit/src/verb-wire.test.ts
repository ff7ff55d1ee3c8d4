import { createDatabase } from '@sluice/local-stack';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sharedPostgres } from './shared-postgres.js';
import { createVerbWire, type VerbFailure, type VerbWire } from './verb-wire.js';

let url: URL;
let wire: VerbWire;
let direct: Client;
const clients: Client[] = [];

beforeAll(async () => {
  url = new URL(await createDatabase(await sharedPostgres(), 'verb_wire'));
  direct = await connected(url);
  await direct.query(`create table stored (word text); create role ${url.pathname.slice(1)}_signer superuser login`);
  await direct.query(`alter role ${url.pathname.slice(1)}_signer password 'open'`);
  wire = await createVerbWire({ target: { host: url.hostname, port: Number(url.port) } });
});
afterAll(async () => {
  for (const client of clients) await client.end().catch(() => undefined);
  await wire?.close();
});

async function connected(to: URL): Promise<Client> {
  const client = new Client({ connectionString: to.href });
  client.on('error', () => undefined); // a reset is what some of these tests are about
  clients.push(client);
  await client.connect();
  return client;
}

/** As a signer's connection, over the wire. */
function overWire(): Promise<Client> {
  const login = new URL(url);
  login.port = String(wire.port);
  login.username = `${url.pathname.slice(1)}_signer`;
  login.password = 'open';
  return connected(login);
}

const store = (client: Client, word: string) =>
  client.query({ name: 'store', text: 'insert into stored values ($1)', values: [word] });
const isStored = async (word: string): Promise<boolean> =>
  (await direct.query('select from stored where word = $1', [word])).rowCount === 1;

it.each<[VerbFailure, stored: boolean, told: object]>([
  ['refused', false, { code: '53100' }],
  ['never-arrived', false, { code: 'ECONNRESET' }],
  ['answer-lost', true, { code: 'ECONNRESET' }],
])('%s: stored %s, told %o', async (failure, stored, told) => {
  const client = await overWire();
  await store(client, `before ${failure}`);
  const had = wire.strike({ service: 'signer', verb: 'store', failure });
  await expect(store(client, failure)).rejects.toMatchObject(told);
  await had;
  expect(await isStored(failure)).toBe(stored);
  const next = failure === 'refused' ? client : await overWire();
  await store(next, `after ${failure}`);
  expect(await isStored(`after ${failure}`)).toBe(true);
});

it('refuses the first call of a statement, which the next prepares all the same', async () => {
  const client = await overWire();
  void wire.strike({ service: 'signer', verb: 'store', failure: 'refused' });
  await expect(store(client, 'first')).rejects.toMatchObject({ code: '53100' });
  await store(client, 'second');
  expect([await isStored('first'), await isStored('second')]).toEqual([false, true]);
});

it('strikes that verb of that service, and a call that succeeds', async () => {
  const client = await overWire();
  void wire.strike({ service: 'issuer-registry', verb: 'store', failure: 'refused' });
  void wire.strike({ service: 'signer', verb: 'other', failure: 'refused' });
  await store(client, 'untouched');
  wire.calm();
  const had = wire.strike({ service: 'signer', verb: 'fail', failure: 'answer-lost' });
  const fail = (by: number) => client.query({ name: 'fail', text: 'select 1 / $1::integer', values: [by] });
  await expect(fail(0)).rejects.toMatchObject({ code: '22012' });
  await expect(fail(1)).rejects.toMatchObject({ code: 'ECONNRESET' });
  await had;
  expect(wire.seen('signer')).toEqual(new Set(['store', 'fail']));
  expect(wire.seen('issuer-registry')).toEqual(new Set());
});
