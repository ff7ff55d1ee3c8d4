import { generateKeyPairSync } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { aliveLine, readFrame } from '@sluice/registry-protocol';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createMemoryRegistryStore, type MemoryRegistryStore } from '../testing/memory-registry-store.js';
import { createStreams, type Streams } from './streams.js';
import { createVersions, type Versions } from './versions.js';

/** The other end of a stream, which may stop reading. */
class FakeOutlet extends EventEmitter {
  lines: string[] = [];
  reads = true;
  destroyed = false;
  write(line: string | Buffer): boolean {
    this.lines.push(String(line));
    return this.reads;
  }
  destroy(): void {
    this.destroyed = true;
  }
  get frames(): string[] {
    return this.lines.map((line) => {
      if (line === aliveLine) return 'alive';
      const frame = readFrame(line);
      if (frame.type === 'hello') return 'hello';
      if (frame.type === 'snapshot') return `snapshot ${frame.state.epoch}`;
      return frame.type === 'change' ? `${frame.from} to ${frame.epoch}` : `heartbeat ${frame.epoch}`;
    });
  }
}

const key = generateKeyPairSync('ed25519').publicKey;
let store: MemoryRegistryStore;
/** What is asked: the store, until another one is put in its place. */
let ledger: MemoryRegistryStore;
let versions: Versions;
let streams: Streams;
let nowMs: number;
let reads: bigint[];
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

const standing = { history: '0199a4c2-7d1e-7c3a-9b1f-2f6f3f1f9a10', restoredEpoch: 0n, sealed: null };
const open = (name: string, epoch?: bigint): FakeOutlet => {
  const outlet = new FakeOutlet();
  const giveUpPlace = streams.admit(name);
  streams.add({ name, key, incarnation: 1n, nonce: Buffer.alloc(16), standing, epoch, outlet });
  giveUpPlace();
  return outlet;
};
const change = async (name: string): Promise<void> => {
  await store.createAccount('alice', { name, profiles: [], apiKeyHash: Buffer.alloc(32, name) });
  await versions.look();
};

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] });
  [nowMs, reads] = [0, []];
  store = createMemoryRegistryStore(new Date());
  ledger = store;
  const monotonicMs = () => nowMs;
  const entitiesSince = (epoch: bigint) => {
    reads.push(epoch);
    return ledger.entitiesSince(epoch);
  };
  versions = createVersions({
    store: { versionNow: () => ledger.versionNow(), entitiesSince },
    monotonicMs,
    onChange: (replaced) => (replaced ? streams.endAll() : streams.advance()),
  });
  streams = createStreams({ versions, monotonicMs, log, countMax: 3 });
  await streams.start();
  await versions.look();
});
afterEach(async () => {
  await streams.stop(0);
  vi.useRealTimers();
});

it('brings the whole state, or what came since, then each change; written once for all', async () => {
  await change('a');
  const outlets = [open('s1'), open('s2', 1n), open('s3', 2n)];
  await vi.waitFor(() =>
    expect(outlets.map(({ frames }) => frames)).toEqual([
      ['hello', 'snapshot 2'],
      ['hello', '1 to 2'],
      ['hello', 'heartbeat 2'],
    ]),
  );
  reads = [];
  await change('b');
  await vi.waitFor(() => expect(outlets.map(({ frames }) => frames.at(-1))).toEqual(Array(3).fill('2 to 3')));
  expect(reads).toEqual([2n]);
});

it('whoever reads slowly gets one change for all that came meanwhile, and is cut after 10 s', async () => {
  const [slow, stuck] = [open('slow', 1n), open('stuck', 1n)];
  slow.reads = false;
  stuck.reads = false;
  await change('a');
  await vi.waitFor(() => expect(slow.frames).toHaveLength(3));
  for (const name of ['b', 'c', 'd']) await change(name);
  expect(slow.frames).toEqual(['hello', 'heartbeat 1', '1 to 2']);
  slow.reads = true;
  slow.emit('drain');
  await vi.waitFor(() => expect(slow.frames.at(-1)).toBe('2 to 5'));
  vi.advanceTimersByTime(10_001);
  expect([slow.destroyed, stuck.destroyed, streams.count]).toEqual([false, true, 1]);
});

it('says every 5 s that nothing was missed; while the ledger does not answer, only that it is there', async () => {
  const outlet = open('s1', 1n);
  nowMs = 4999;
  vi.advanceTimersByTime(5000);
  expect(outlet.frames).toEqual(['hello', 'heartbeat 1', 'heartbeat 1']);
  nowMs = 5000;
  vi.advanceTimersByTime(10_000);
  expect(outlet.frames.slice(3)).toEqual(['alive', 'alive']);
  await versions.look();
  vi.advanceTimersByTime(5000);
  expect(outlet.frames.slice(5)).toEqual(['heartbeat 1']);
});

it('one stream per name: the newer one replaces the older; and no more than may be', () => {
  const [first, second] = [open('s1', 1n), open('s1', 1n)];
  expect([first.destroyed, second.destroyed, streams.count]).toEqual([true, false, 1]);
  first.emit('close');
  expect(streams.of('s1')).toBeDefined();
  open('s2', 1n);
  open('s3', 1n);
  expect(() => streams.admit('s4')).toThrow(expect.objectContaining({ code: 'unavailable' }));
  expect(() => streams.admit('s3')).not.toThrow();
});

it('whoever is about to open a stream has its place already', () => {
  const [, giveUp] = ['s1', 's2', 's3'].map((name) => streams.admit(name));
  expect(() => streams.admit('s4')).toThrow(expect.objectContaining({ code: 'unavailable' }));
  expect(() => streams.admit('s1')).not.toThrow();
  giveUp?.();
  expect(() => streams.admit('s4')).not.toThrow();
});

it('a ledger with an older epoch than before: every stream ends, so that each hears how far the registry is', async () => {
  await change('a');
  const outlet = open('s1', 2n);
  ledger = createMemoryRegistryStore(new Date());
  await versions.look();
  expect([outlet.destroyed, streams.count]).toEqual([true, 0]);
  expect(open('s1', 2n).frames).toEqual(['hello', 'heartbeat 1']);
});

it('so it is with another state under the same epoch', async () => {
  await change('a');
  const outlet = open('s1', 2n);
  ledger = createMemoryRegistryStore(new Date());
  await ledger.createAccount('alice', { name: 'b', profiles: [], apiKeyHash: Buffer.alloc(32) });
  await versions.look();
  expect([outlet.destroyed, streams.count]).toEqual([true, 0]);
  expect(versions.newest()).toEqual(await ledger.versionNow());
});

it('stops: every stream ends, and no other begins', async () => {
  const outlet = open('s1', 1n);
  await streams.stop(0);
  expect(outlet.destroyed).toBe(true);
  expect(() => streams.admit('s1')).toThrow(expect.objectContaining({ code: 'draining' }));
});
