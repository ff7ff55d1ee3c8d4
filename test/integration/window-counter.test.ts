import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OwnRedis, startRedis } from '@sluice/local-stack';
import { createWindowCounter, type WindowCounter } from '@sluice/queue';
import { createTcpProxy, type TcpProxy } from '@sluice/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const windowS = 600;
const folder = mkdtempSync(join(tmpdir(), 'sluice-counter-'));
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
let redis: OwnRedis;
let wire: TcpProxy;
let counters: readonly [WindowCounter, WindowCounter];
/** Where each call was counted. */
let counted: string[];
let key: string;
let keys = 0;

const together = (count: number, counter = counters[0]) =>
  Promise.all(Array.from({ length: count }, async () => (await counter.add(key, windowS)).count));

beforeAll(async () => {
  redis = await startRedis({ dir: join(folder, 'queue'), policy: 'noeviction' });
  const { hostname, port } = new URL(redis.url);
  wire = await createTcpProxy({ target: { host: hostname, port: Number(port) } });
  const behindWire = new URL(redis.url);
  behindWire.hostname = wire.host;
  behindWire.port = String(wire.port);
  const make = (redisUrl: string) =>
    // However busy the machine is, an answer comes in this time.
    createWindowCounter({ redisUrl, log: silent, callWaitMs: 3000, onCounted: (where) => counted.push(where) });
  counters = [make(behindWire.href), make(redis.url)];
});
afterAll(async () => {
  for (const counter of counters ?? []) counter.close();
  await wire?.close();
  await redis?.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  wire.heal();
  keys += 1;
  key = `unused ${keys}`;
  // After a damage it takes a moment until it is found to be back.
  await expect
    .poll(
      async () => {
        counted = [];
        await Promise.all(counters.map((counter) => counter.add(`ready ${keys}`, windowS)));
        return counted;
      },
      { timeout: 20_000 },
    )
    .toEqual(['redis', 'redis']);
  counted = [];
  key = `of test ${keys}`;
});

it('each has a place of its own, over all processes, and whoever comes meanwhile shares a call', async () => {
  const counts = [await together(20), await together(10, counters[1])].flat();
  expect(counts).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  expect(counted.length).toBeLessThan(10);
  expect(new Set(counted)).toEqual(new Set(['redis']));
});

it('tells when the window ends, and counts anew in the next one', async () => {
  const { endsInMs } = await counters[0].add(key, windowS);
  expect(endsInMs).toBeGreaterThan(0);
  expect(endsInMs).toBeLessThanOrEqual(windowS * 1000);
  expect((await counters[0].add(`short ${key}`, 1)).count).toBe(1);
  await expect
    .poll(async () => (await counters[0].add(`short ${key}`, 1)).count, { timeout: 10_000, interval: 1100 })
    .toBe(1);
});

it('what is given back is not counted', async () => {
  await together(5);
  for (let times = 0; times < 3; times += 1) counters[0].giveBack(key, windowS);
  expect((await counters[0].add(key, windowS)).count).toBe(3);
});

describe.each(['cut', 'blackHole'] as const)('Redis behind a wire that is %s', (damage) => {
  it('counts by itself, without anybody waiting for long, and together again when it is back', async () => {
    await together(5, counters[1]);
    wire[damage]();
    expect((await together(3)).sort()).toEqual([1, 2, 3]);
    expect(await together(2)).toEqual([4, 5]);
    expect(counted.filter((where) => where === 'memory').length).toBeGreaterThan(0);
    wire.heal();
    const inRedis = async () => {
      counted = [];
      const { count } = await counters[0].add(key, windowS);
      return counted[0] === 'redis' ? count : undefined;
    };
    await expect.poll(inRedis, { timeout: 20_000 }).toBe(6);
    expect((await counters[1].add(key, windowS)).count).toBe(7);
  });
});
