import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OwnRedis, startRedis } from '@sluice/local-stack';
import {
  assertQueueRedis,
  createBell,
  createTurnConsumer,
  createTurnProducer,
  type HealthChecked,
  type Turn,
  type TurnConsumer,
  type TurnConsumerOptions,
  type TurnProducer,
} from '@sluice/queue';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

const lane = { class: 'interactive', keyGroup: 'default' } as const;
const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const id = (n: number) => `018f6d2e-0000-7000-8000-${String(n).padStart(12, '0')}`;
const request = (requestId: string) => ({ requestId, flow: 'demo ca' });

const folder = mkdtempSync(join(tmpdir(), 'sluice-queue-'));
let redis: OwnRedis;
let admin: Redis;
let producer: TurnProducer & HealthChecked;
const consumers: (TurnConsumer & HealthChecked)[] = [];
const turns: Turn[] = [];

beforeAll(async () => {
  redis = await startRedis({ dir: join(folder, 'queue'), policy: 'noeviction' });
  admin = new Redis(redis.url);
  admin.on('error', () => undefined);
});
afterAll(async () => {
  admin.disconnect();
  await redis.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  await admin.flushall();
  turns.length = 0;
  producer = createTurnProducer({ redisUrl: redis.url, log });
});
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.stop(200)));
  await producer.close();
});

async function consume(options: Partial<TurnConsumerOptions> = {}): Promise<TurnConsumer & HealthChecked> {
  const onTurn = async (turn: Turn) => void turns.push(turn);
  const consumer = createTurnConsumer({ redisUrl: redis.url, lane, concurrency: 4, onTurn, log, ...options });
  consumers.push(consumer);
  await consumer.start();
  return consumer;
}

const settled = (wanted: number) =>
  vi.waitFor(() => expect(turns.length).toBe(wanted), { timeout: 5000, interval: 10 });

/** A promise and the function that ends it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => undefined as unknown;
  const opened = new Promise<void>((resolve) => {
    open = () => resolve();
  });
  return { opened, open: () => void open() };
}

async function timed(work: Promise<unknown>): Promise<{ waitedMs: number; code: unknown }> {
  const begin = performance.now();
  const code = await work.then(
    () => 'ok',
    (thrown: { code?: unknown }) => thrown.code,
  );
  return { waitedMs: performance.now() - begin, code };
}

describe('turns', () => {
  it('reach a consumer with their ids, 64 at most, and leave nothing behind', async () => {
    await consume();
    const ids = Array.from({ length: 70 }, (_, n) => id(n));
    await producer.add(lane, ids.map(request));
    await producer.add(lane, [request(id(100))]);
    await settled(3);
    expect(turns.flatMap(({ requests }) => requests.map(({ requestId }) => requestId)).sort()).toEqual([
      ...ids,
      id(100),
    ]);
    expect(turns.map((turn) => turn.count).sort((a, b) => a - b)).toEqual([1, 6, 64]);
    await vi.waitFor(async () => expect(await producer.openTurns(lane)).toBe(0));
    expect(await admin.keys('*:turns:t*')).toEqual([]);
  });

  it('of one lane are not those of another; missing ones are added without ids', async () => {
    await consume();
    await producer.addMissing({ ...lane, class: 'background' }, 2, 8);
    await producer.addMissing(lane, 3, 8);
    await settled(3);
    expect(
      turns.every((turn) => turn.count === 8 && turn.requests.length === 0 && turn.lane.class === 'interactive'),
    ).toBe(true);
    expect(await producer.openTurns({ ...lane, class: 'background' })).toBe(2);
  });

  it('are handled side by side up to the concurrency, over several workers', async () => {
    const { opened, open } = gate();
    let running = 0;
    await consume({
      concurrency: 3,
      workers: 2,
      onTurn: async (turn) => {
        running += 1;
        await opened;
        running -= 1;
        turns.push(turn);
      },
    });
    await producer.addMissing(lane, 5, 1);
    await vi.waitFor(() => expect(running).toBe(3));
    expect(await producer.openTurns(lane)).toBe(5);
    open();
    await settled(5);
  });

  it('are completed although their handler throws', async () => {
    await consume({
      onTurn: async (turn) => {
        turns.push(turn);
        throw new Error('ledger away');
      },
    });
    await producer.addMissing(lane, 2, 1);
    await settled(2);
    await vi.waitFor(async () => expect(await producer.openTurns(lane)).toBe(0));
  });

  it('go on after FLUSHALL in the middle of one', async () => {
    const { opened, open } = gate();
    const consumer = await consume({
      onTurn: async (turn) => {
        turns.push(turn);
        await opened;
      },
    });
    await producer.add(lane, [request(id(1))]);
    await settled(1);
    await admin.flushall();
    expect(await producer.openTurns(lane)).toBe(0);
    open();
    await producer.add(lane, [request(id(2))]);
    await settled(2);
    await vi.waitFor(async () => expect(await producer.openTurns(lane)).toBe(0));
    expect(await consumer.health()).toBe('ok');
  });

  it('in hand are waited for by a stop, which then takes no more', async () => {
    const { opened, open } = gate();
    let ended = false;
    const consumer = await consume({
      concurrency: 1,
      onTurn: async (turn) => {
        turns.push(turn);
        await opened;
        ended = true;
      },
    });
    await producer.addMissing(lane, 2, 1);
    await settled(1);
    const stopping = consumer.stop(5000);
    open();
    await stopping;
    expect(ended).toBe(true);
    expect(turns).toHaveLength(1);
    expect(await producer.openTurns(lane)).toBe(1);
  });

  it('in hand are let go when a stop has reached its deadline', async () => {
    let aborted = false;
    const consumer = await consume({
      onTurn: (turn, signal) => {
        turns.push(turn);
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise(() => undefined);
      },
    });
    await producer.addMissing(lane, 1, 1);
    await settled(1);
    const { waitedMs } = await timed(consumer.stop(400));
    expect(aborted).toBe(true);
    expect(waitedMs).toBeLessThan(700);
  });
});

describe('Redis away or hanging', () => {
  // Guards against BullMQ's deaf workers (bullmq issue 4585, versions before 6.3.3): an idle worker whose blocking
  // command met an outage longer than drainDelay + 1 s (3 s here) never fetched again. Do not shorten the outage.
  it('an idle worker works again after an outage longer than its blocking command', async () => {
    const consumer = await consume();
    await producer.addMissing(lane, 1, 1);
    await settled(1);
    await redis.kill9();
    await vi.waitFor(async () => expect(await consumer.health()).not.toBe('ok'), { timeout: 5000 });
    const { waitedMs, code } = await timed(producer.add(lane, [request(id(1))]));
    expect({ code, quick: waitedMs < 250 }).toEqual({ code: 'unavailable', quick: true });
    expect(await producer.health()).not.toBe('ok');
    await new Promise((resolve) => setTimeout(resolve, 3600));
    await redis.restart();
    await vi.waitFor(() => producer.add(lane, [request(id(2))]), { timeout: 5000 });
    await vi.waitFor(() => expect(turns.at(-1)?.requests).toEqual([request(id(2))]), { timeout: 5000 });
    // By itself, not because the watchdog replaced it.
    expect(log.warn).not.toHaveBeenCalledWith(expect.objectContaining({ event: 'turns-stuck' }), expect.anything());
  });

  it('does not hold up a producer, and is noticed to be back', async () => {
    await consume();
    await producer.addMissing(lane, 1, 1);
    await settled(1);
    redis.freeze();
    try {
      const first = await timed(producer.add(lane, [request(id(1))]));
      expect({ code: first.code, quick: first.waitedMs < 400 }).toEqual({ code: 'unavailable', quick: true });
      const begin = performance.now();
      const codes = new Set<unknown>();
      for (let n = 0; n < 1000; n += 1) codes.add((await timed(producer.add(lane, [request(id(n))]))).code);
      expect([...codes]).toEqual(['unavailable']);
      expect(performance.now() - begin).toBeLessThan(1000);
      // Past the worker's own watchdog (3 s) and the producer's reconnection (3 s).
      await new Promise((resolve) => setTimeout(resolve, 3500));
      expect((await timed(producer.openTurns(lane))).code).toBe('unavailable');
    } finally {
      redis.thaw();
    }
    await vi.waitFor(() => producer.add(lane, [request(id(7))]), { timeout: 5000 });
    await vi.waitFor(() => expect(turns.some((turn) => turn.requests[0]?.requestId === id(7))).toBe(true), {
      timeout: 5000,
    });
  });

  it('lets everything start and stop', async () => {
    await redis.kill9();
    try {
      const early = createTurnProducer({ redisUrl: redis.url });
      const consumer = await consume();
      const bell = createBell({ redisUrl: redis.url, log });
      await bell.listen(() => undefined);
      bell.ring([id(1)]);
      expect((await timed(early.add(lane, [request(id(1))]))).code).toBe('unavailable');
      const { waitedMs } = await timed(Promise.all([consumer.stop(2000), bell.close(), early.close()]));
      expect(waitedMs).toBeLessThan(2300);
    } finally {
      await redis.restart();
    }
  });

  it('does not keep a stop beyond its deadline while it hangs', async () => {
    const consumer = await consume();
    await producer.addMissing(lane, 1, 1);
    await settled(1);
    redis.freeze();
    try {
      expect((await timed(consumer.stop(1000))).waitedMs).toBeLessThan(1300);
    } finally {
      redis.thaw();
    }
  });
});

describe('the bell', () => {
  it('tells every listener, gathers what rings together, and is heard again after a restart of Redis', async () => {
    const bells = [0, 1, 2].map(() => createBell({ redisUrl: redis.url, log }));
    const [ringer, ...listeners] = bells;
    const heard: string[][][] = listeners.map(() => []);
    await Promise.all(listeners.map((bell, index) => bell.listen((ids) => void heard[index]?.push([...ids]))));
    // The first ring makes the connection, and those until then go out in one message.
    ringer?.ring([id(1)]);
    ringer?.ring([id(2), id(3)]);
    ringer?.ring([id(1)]);
    await vi.waitFor(() => expect(heard).toEqual([[[id(1), id(2), id(3)]], [[id(1), id(2), id(3)]]]));

    await redis.kill9();
    ringer?.ring([id(4)]);
    await redis.restart();
    await vi.waitFor(
      () => {
        ringer?.ring([id(5)]);
        expect(heard.every((messages) => messages.flat().includes(id(5)))).toBe(true);
      },
      { timeout: 5000 },
    );
    await Promise.all(bells.map((bell) => bell.close()));
  });

  it('outlives a listener that throws', async () => {
    const bell = createBell({ redisUrl: redis.url, log });
    const heard: string[] = [];
    await bell.listen((ids) => {
      heard.push(...ids);
      throw new Error('mine');
    });
    bell.ring([id(1)]);
    await vi.waitFor(() => expect(heard).toEqual([id(1)]));
    bell.ring([id(2)]);
    await vi.waitFor(() => expect(heard).toEqual([id(1), id(2)]));
    await bell.close();
  });
});

describe('assertQueueRedis', () => {
  it('takes one that never evicts', () => assertQueueRedis(redis.url));

  it('refuses one that does, and says what to set', async () => {
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    try {
      await expect(assertQueueRedis(redis.url)).rejects.toMatchObject({
        code: 'config-invalid',
        message: expect.stringContaining('noeviction'),
      });
    } finally {
      await admin.config('SET', 'maxmemory-policy', 'noeviction');
    }
  });

  it('tells a wrong password from a Redis that is away, and shows no password', async () => {
    const url = new URL(redis.url);
    url.password = 'open-sesame';
    const wrong = await assertQueueRedis(url.href).catch((thrown: Error) => thrown);
    expect(wrong).toMatchObject({ code: 'config-invalid' });
    expect(String(wrong)).not.toContain('open-sesame');
    await expect(assertQueueRedis('redis://127.0.0.1:1')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('whatever was stopped above, in whatever state Redis was,', () => {
  it('has left no connection that comes back', async () => {
    await producer.health();
    const list = String(await admin.client('LIST'))
      .trim()
      .split('\n');
    const names = list.map((line) => /name=(\S*)/.exec(line)?.[1]).sort();
    expect(names).toEqual(['', 'sluice-turns']);
  });
});
