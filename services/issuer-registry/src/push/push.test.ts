import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistryClient, type RegistryClient } from '@sluice/registry-client';
import { acknowledgementPath, acknowledgementProof, signToken, streamPath } from '@sluice/registry-protocol';
import { createMetrics } from '@sluice/telemetry';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createApp } from '../http/app.js';
import { createAuthenticate } from '../http/authenticate.js';
import { createKeyDirectory } from '../http/key-directory.js';
import { serveStream } from '../http/serve-stream.js';
import { takeAcknowledgement } from '../http/take-acknowledgement.js';
import { createMemoryRegistryStore, type MemoryRegistryStore } from '../testing/memory-registry-store.js';
import { newSubscriber } from '../testing/memory-subscriber-store.js';
import { queueIn } from '../testing/queue-in.js';
import { endUnregistered } from './end-unregistered.js';
import { createPush, type Push } from './push.js';

/** Enough to see that the ledger is not asked once for each. */
const count = 30;
const names = Array.from({ length: count }, (_, index) => `s${index}`);
const keys = generateKeyPairSync('ed25519');
const otherKeys = generateKeyPairSync('ed25519');
const spki = (pair: typeof keys) => pair.publicKey.export({ type: 'spki', format: 'der' });
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const clock = () => new Date();
const monotonicMs = () => performance.now();

interface Registry {
  readonly push: Push;
  readonly server: Server;
  readonly url: string;
}

let dir: string;
let store: MemoryRegistryStore;
let registries: Registry[];
let clients: RegistryClient[];

/** A registry process: several share one store. */
async function startRegistry(): Promise<Registry> {
  const push = createPush({ store, monotonicMs, metrics: createMetrics('test'), log });
  const load = () => store.serviceKeys();
  const authenticate = createAuthenticate(createKeyDirectory({ load, monotonicMs, cacheMs: 3000, log }), clock, {
    once: true,
  });
  const app = createApp({
    context: {
      name: 'registry-1',
      store,
      queue: queueIn(store),
      clock,
      ledgerClock: clock,
      randomBytes: (length) => new Uint8Array(length),
    },
    authenticateOperator: authenticate,
    stream: serveStream({ ...push, authenticate, store }),
    acknowledgement: takeAcknowledgement(authenticate, push.acknowledgements),
    monotonicMs,
    log,
    observe: () => undefined,
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await push.watch.start();
  await push.streams.start();
  const registry = { push, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  registries.push(registry);
  return registry;
}

async function stopRegistry({ push, server }: Registry): Promise<void> {
  await push.streams.stop(0);
  await push.watch.stop(1000);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function startClient(name: string, url: string): Promise<RegistryClient> {
  const client = createRegistryClient({
    registryUrl: url,
    serviceName: name,
    privateKeyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    snapshotFile: join(dir, name),
    lease: { caller: () => ({ name, incarnation: 1n }), renewNow: async () => undefined },
    prepare: () => () => undefined,
    earlierEnded: async () => undefined,
    clock,
    log,
  });
  clients.push(client);
  await client.stream.start();
  return client;
}

const change = (name: string) =>
  store.createAccount('alice', { name, profiles: [], apiKeyHash: Buffer.alloc(32, name) });
const acknowledged = () => store.subscriberRows.map(({ acknowledgedEpoch }) => acknowledgedEpoch);

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-push-'));
  store = createMemoryRegistryStore(new Date());
  store.keysOfServices = names.map((name) => ({ name, service: 'signer', publicKey: spki(keys) }));
  store.subscriberRows = [newSubscriber({ name: 's0', service: 'signer' })];
  [registries, clients] = [[], []];
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.stream.stop(1000)));
  await Promise.all(registries.map(stopRegistry));
  rmSync(dir, { recursive: true });
});

it('many subscribers, all cut at once, come back and acknowledge what came meanwhile; the state is read a few times, not once each', async () => {
  store.subscriberRows = names.map((name) => newSubscriber({ name, service: 'signer' }));
  const first = await startRegistry();
  await Promise.all(names.map((name) => startClient(name, first.url)));
  await vi.waitFor(() => expect(acknowledged()).toEqual(Array(count).fill(1n)), 20_000);
  const reads = vi.spyOn(store, 'entitiesSince');
  first.push.streams.endAll();
  await change('a');
  await vi.waitFor(() => expect(acknowledged()).toEqual(Array(count).fill(2n)), 20_000);
  expect(reads.mock.calls.length).toBeLessThan(5);
}, 60_000);

it('two registry processes: a change seen by one is pushed by both, and either takes any acknowledgement', async () => {
  const [one, other] = [await startRegistry(), await startRegistry()];
  const client = await startClient('s0', one.url);
  await change('a');
  await client.applied(2n, 10_000);
  await vi.waitFor(() => expect(acknowledged()).toEqual([2n]), 10_000);
  await change('b');
  await client.applied(3n, 10_000);
  const latest = await store.streamOf('s0');
  const digest = await store.digestOf(3n);
  const proof = acknowledgementProof({
    ...{ name: 's0', incarnation: 1n, epoch: 3n },
    ...{ digest: digest ?? new Uint8Array(), streamNonce: latest?.nonce ?? new Uint8Array() },
  });
  expect(await send(other.url, 's0', { incarnation: '1', epoch: '3', proof })).toBe(200);
});

it('a subscriber that moves to another process leaves no stream behind at the first', async () => {
  const [one, other] = [await startRegistry(), await startRegistry()];
  await startClient('s0', one.url);
  await startClient('s0', other.url);
  // The first client goes on acknowledging over its own stream, which is not the latest any more.
  await vi.waitFor(() => expect(one.push.streams.count + other.push.streams.count).toBe(1), 20_000);
}, 30_000);

/** POST /v1/acknowledgements; the status. */
async function send(
  url: string,
  name: string,
  said: object,
  more: { keys?: typeof keys; now?: Date; jti?: string } = {},
): Promise<number> {
  const body = JSON.stringify(said);
  const { keys: by = keys, now = clock(), jti = randomUUID() } = more;
  const call = { method: 'POST', path: acknowledgementPath, body: Buffer.from(body) };
  const token = await signToken({ privateKey: by.privateKey, name, ...call, now, jti });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return (await fetch(url + acknowledgementPath, { method: 'POST', body, headers })).status;
}

it('an acknowledgement counts only when it is true, on the latest stream, under one’s own name', async () => {
  const { url } = await startRegistry();
  const nonce = Buffer.alloc(16, 1);
  await store.openStream('s0', 1n, nonce, 0n);
  store.subscriberRows = [...store.subscriberRows, newSubscriber({ name: 's1', service: 'signer' })];
  await store.openStream('s1', 1n, Buffer.alloc(16, 2), 0n);
  const digest = (await store.digestOf(1n)) ?? new Uint8Array();
  const told = { incarnation: '1', epoch: '1' };
  const about = { name: 's0', incarnation: 1n, epoch: 1n, digest, streamNonce: nonce };
  const proof = acknowledgementProof(about);

  const wrong: [string, Promise<number>][] = [
    [
      'of what was not applied',
      send(url, 's0', { ...told, proof: acknowledgementProof({ ...about, digest: Buffer.alloc(32) }) }),
    ],
    [
      'of an epoch that never was',
      send(url, 's0', { ...told, epoch: '9', proof: acknowledgementProof({ ...about, epoch: 9n }) }),
    ],
    ['of another incarnation', send(url, 's0', { ...told, incarnation: '2', proof })],
    ['made for another name', send(url, 's1', { ...told, proof })],
  ];
  for (const [what, status] of wrong) expect([what, await status]).toEqual([what, 409]);
  expect(await send(url, 's0', { ...told, proof }, { keys: otherKeys })).toBe(401);
  expect(await send(url, 's0', { ...told, proof }, { now: new Date(Date.now() - 60_000) })).toBe(401);
  expect(await send(url, 's0', { ...told })).toBe(400);
  expect(await send(url, 's0', { ...told, epoch: '9223372036854775807', proof })).toBe(409);
  expect(await send(url, 's0', { ...told, epoch: '9223372036854775808', proof })).toBe(400);
  expect(acknowledged()).toEqual([0n, 0n]);

  const jti = randomUUID();
  expect(await send(url, 's0', { ...told, proof }, { jti })).toBe(200);
  expect(await send(url, 's0', { ...told, proof }, { jti })).toBe(401);
  expect(acknowledged()).toEqual([1n, 0n]);
  await store.openStream('s0', 1n, Buffer.alloc(16, 3), 0n);
  expect(await send(url, 's0', { ...told, proof })).toBe(409);
});

it('a stream is for the present incarnation of an enrolled service, once per token', async () => {
  const { url } = await startRegistry();
  const get = async (name: string, query: string, by = keys, jti = randomUUID()): Promise<number> => {
    const path = `${streamPath}${query}`;
    const token = await signToken({
      privateKey: by.privateKey,
      name,
      method: 'GET',
      path,
      body: new Uint8Array(),
      now: clock(),
      jti,
    });
    const answer = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
    await answer.body?.cancel();
    return answer.status;
  };
  const jti = randomUUID();
  expect(await get('s0', '?incarnation=1&epoch=1', keys, jti)).toBe(200);
  expect(await get('s0', '?incarnation=1&epoch=1', keys, jti)).toBe(401);
  expect(await get('s0', '?incarnation=2')).toBe(503);
  expect(await get('s0', '?incarnation=-1')).toBe(400);
  expect(await get('s0', '?incarnation=1&epoch=9223372036854775808')).toBe(400);
  expect(await get('s0', '')).toBe(400);
  expect(await get('s0', '?incarnation=1', otherKeys)).toBe(401);
  expect(await get('stranger', '?incarnation=1')).toBe(401);
});

it('a stream ends when its key is taken away or replaced; the others stay, and all do while the ledger is away', async () => {
  const subscribers = ['s0', 's1', 's2'];
  store.subscriberRows = subscribers.map((name) => newSubscriber({ name, service: 'signer' }));
  const { url, push } = await startRegistry();
  // Keys are not kept here: what is taken away is gone at once.
  const publicKeyOf = createKeyDirectory({
    load: () => store.serviceKeys(),
    monotonicMs: () => performance.now(),
    cacheMs: 0,
    log,
  });
  await Promise.all(subscribers.map((name) => startClient(name, url)));
  const open = () => push.streams.all().map(({ name }) => name);
  const look = () => endUnregistered({ streams: push.streams, publicKeyOf, log });
  const registered = store.keysOfServices;
  await look();
  expect(open().sort()).toEqual(subscribers);
  const away = vi.spyOn(store, 'serviceKeys').mockRejectedValue(new Error('away'));
  await expect(look()).rejects.toThrow('away');
  expect(open().sort()).toEqual(subscribers);
  away.mockRestore();
  store.keysOfServices = registered
    .filter(({ name }) => name !== 's0')
    .map((row) => (row.name === 's1' ? { ...row, publicKey: spki(otherKeys) } : row));
  await look();
  expect(open()).toEqual(['s2']);
});

it('a refusal is kept with its reason', async () => {
  const { url } = await startRegistry();
  const refused = { code: 'lint-failed', reason: 'no template' };
  expect(await send(url, 's0', { incarnation: '1', epoch: '1', refused })).toBe(200);
  expect(store.subscriberRows[0]).toMatchObject({
    refusedEpoch: 1n,
    refusedCode: 'lint-failed',
    refusedReason: 'no template',
  });
  expect(await send(url, 's0', { incarnation: '1', epoch: '2', refused })).toBe(409);
});
