import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBreakers } from '@sluice/breaker';
import { type Snapshot, verifyToken } from '@sluice/registry-protocol';
import { createMetrics } from '@sluice/telemetry';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRegistryClient, type RegistryClient, type RegistryClientOptions } from './registry-client.js';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const snapshotOf = (epoch: number): Snapshot => ({
  epoch: String(epoch),
  cas: [],
  profiles: [],
  accounts: [],
  blockedKeys: '',
});

/** A registry that checks tokens and can be away (drops connections) or hang (never answers). */
class FakeRegistry {
  snapshot = snapshotOf(1);
  mode: 'answers' | 'away' | 'hangs' = 'answers';
  looks = 0;
  answered: number[] = [];
  readonly server: Server = createServer((req, res) => {
    this.looks += 1;
    if (this.mode === 'hangs') return;
    if (this.mode === 'away') {
      res.destroy();
      return;
    }
    void verifyToken({
      authorization: req.headers.authorization,
      method: req.method ?? '',
      path: req.url ?? '',
      body: new Uint8Array(),
      publicKeyOf: async (name) => (name === 'signer-1' ? createPublicKey(publicKeyPem) : undefined),
      now: new Date(),
    }).then(
      () => {
        const known = req.headers['if-none-match'] === `"${this.snapshot.epoch}"`;
        this.answered.push(known ? 304 : 200);
        res.writeHead(known ? 304 : 200).end(known ? undefined : JSON.stringify(this.snapshot));
      },
      () => res.writeHead(401).end(),
    );
  });
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
}
const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' });

let folder: string;
let registry: FakeRegistry;
let client: RegistryClient | undefined;
let applied: string[];
let events: string[];
const note = (facts: object): void => void events.push(String('event' in facts ? facts.event : ''));
const log = { info: note, warn: note, error: note };

function make(options: Partial<RegistryClientOptions> = {}): RegistryClient {
  client = createRegistryClient({
    registryUrl: registry.url,
    serviceName: 'signer-1',
    service: 'signer',
    privateKeyPem,
    snapshotFile: join(folder, 'snapshot.json'),
    log,
    clock: () => new Date(),
    onSnapshot: ({ epoch }) => void applied.push(epoch),
    // Long: these tests look by refreshNow().
    intervalMs: 60_000,
    timeoutMs: 10_000,
    firstSnapshotMs: 1,
    ...options,
  });
  return client;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-client-'));
  registry = new FakeRegistry();
  applied = [];
  events = [];
  await new Promise<void>((resolve) => registry.server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await client?.stop(1000);
  registry.server.closeAllConnections();
  await new Promise((resolve) => registry.server.close(resolve));
  await rm(folder, { recursive: true });
});

it('applies the first snapshot before start resolves, and keeps it on disk for its owner alone', async () => {
  const started = make();
  expect(started.current()).toBeUndefined();
  await started.start();
  expect(started.current()).toEqual({ snapshot: snapshotOf(1), stale: false });
  expect(started.appliedEpoch()).toBe(1n);
  const path = join(folder, 'snapshot.json');
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(snapshotOf(1));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

it('asks only for what is newer, and applies each epoch once', async () => {
  const started = make();
  await started.start();
  await started.refreshNow();
  registry.snapshot = snapshotOf(7);
  await started.refreshNow();
  expect(applied).toEqual(['1', '7']);
  expect(registry.answered.slice(-1)).toEqual([200]);
  await started.refreshNow();
  expect(registry.answered.slice(-1)).toEqual([304]);
  expect(applied).toEqual(['1', '7']);
});

it('looks by itself once per interval', async () => {
  await make({ intervalMs: 5 }).start();
  registry.snapshot = snapshotOf(2);
  await expect.poll(() => applied).toEqual(['1', '2']);
});

it('starts from disk, marked stale, while the registry is away, and loses the mark when it is back', async () => {
  await make().start();
  registry.mode = 'away';
  const second = make();
  await second.start();
  expect(second.current()).toEqual({ snapshot: snapshotOf(1), stale: true });
  await expect(second.refreshNow()).rejects.toMatchObject({ code: 'unavailable' });
  registry.mode = 'answers';
  await second.refreshNow();
  expect(second.current()?.stale).toBe(false);
});

it('calls its snapshot stale when the registry has been silent for 15 s', async () => {
  let nowMs = 0;
  const started = make({ monotonicMs: () => nowMs, timeoutMs: 1000 });
  await started.start();
  registry.mode = 'hangs';
  await expect(started.refreshNow()).rejects.toMatchObject({ code: 'unavailable' });
  expect(started.current()?.stale).toBe(false);
  nowMs += 15_001;
  expect(started.current()?.stale).toBe(true);
});

it('keeps nobody waiting for a registry that hangs, and looks again when it is back', async () => {
  const breakers = createBreakers({ metrics: createMetrics('test'), log });
  const started = make({ breakers, timeoutMs: 50, intervalMs: 10, firstSnapshotMs: 10_000 });
  await started.start();
  registry.mode = 'hangs';
  await expect.poll(() => breakers.states(), { timeout: 5000 }).toEqual({ registry: 'open' });
  const { looks } = registry;
  await expect(started.refreshNow()).rejects.toMatchObject({ code: 'unavailable', message: 'The registry is away' });
  expect(registry.looks).toBe(looks);
  registry.mode = 'answers';
  registry.snapshot = snapshotOf(2);
  await expect.poll(() => applied, { timeout: 5000 }).toEqual(['1', '2']);
});

it('does not start without any snapshot', async () => {
  registry.mode = 'away';
  await expect(make().start()).rejects.toMatchObject({ code: 'unavailable' });
});

it('waits at start for a registry that comes late', async () => {
  registry.mode = 'away';
  const started = make({ firstSnapshotMs: 10_000, intervalMs: 10 });
  const starting = started.start();
  await expect.poll(() => registry.looks).toBeGreaterThan(1);
  registry.mode = 'answers';
  await starting;
  expect(started.appliedEpoch()).toBe(1n);
});

it('refuses an epoch that was rolled back, also after a start from disk', async () => {
  registry.snapshot = snapshotOf(9);
  const first = make();
  await first.start();
  await first.stop(10_000);
  registry.snapshot = snapshotOf(8);
  const second = make();
  await second.start();
  await expect(second.refreshNow()).rejects.toMatchObject({ code: 'conflict' });
  expect(events.filter((event) => event === 'epoch-rolled-back')).toHaveLength(1);
  expect(second.appliedEpoch()).toBe(9n);
});

it('keeps the older snapshot when the newer one cannot be applied, and tries it again', async () => {
  let broken = false;
  const started = make({
    onSnapshot: ({ epoch }) => {
      if (broken) throw new Error('no template for it');
      applied.push(epoch);
    },
  });
  await started.start();
  broken = true;
  registry.snapshot = snapshotOf(2);
  await expect(started.refreshNow()).rejects.toThrow('no template');
  expect(started.appliedEpoch()).toBe(1n);
  broken = false;
  await started.refreshNow();
  expect(started.appliedEpoch()).toBe(2n);
});

it('ignores a damaged file and asks the registry', async () => {
  await writeFile(join(folder, 'snapshot.json'), '{"epoch":"5","ca');
  const started = make();
  await started.start();
  expect(events).toContain('snapshot-file-unusable');
  expect(started.current()).toEqual({ snapshot: snapshotOf(1), stale: false });
});

it('shares one look among those who ask at once', async () => {
  const started = make();
  await started.start();
  const before = registry.looks;
  await Promise.all([started.refreshNow(), started.refreshNow(), started.refreshNow(), started.refreshNow()]);
  expect(registry.looks - before).toBe(2);
});

it('is refused with a key that is not registered', async () => {
  const other = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const started = make({ privateKeyPem: other });
  await expect(started.refreshNow()).rejects.toMatchObject({ code: 'unauthorized' });
  expect(() => make({ privateKeyPem: 'nonsense' })).toThrow(expect.objectContaining({ code: 'config-invalid' }));
});
