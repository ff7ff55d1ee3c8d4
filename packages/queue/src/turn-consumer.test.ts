import type { Job } from 'bullmq';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createTurnConsumer, type TurnConsumerOptions } from './turn-consumer.js';
import type { FetcherOptions } from './turn-fetchers.js';

const lane = { class: 'interactive', keyGroup: 'default' } as const;
const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
afterEach(() => vi.clearAllMocks());

/** Fetchers under the test's control: `waiting` says how many turns Redis holds, `feed` hands one over. */
function scripted() {
  const started: FetcherOptions[] = [];
  const fetchers = {
    waiting: vi.fn(async () => 0),
    close: vi.fn(async () => undefined),
    drop: vi.fn(),
  };
  return {
    started,
    fetchers,
    startFetchers: (options: FetcherOptions) => {
      started.push(options);
      return fetchers;
    },
    feed: (data: unknown) => started.at(-1)?.handle({ data, timestamp: 1000 } as Job<unknown>),
  };
}

function consumer(script: ReturnType<typeof scripted>, onTurn: TurnConsumerOptions['onTurn'] = async () => undefined) {
  return createTurnConsumer({
    redisUrl: 'redis://unused',
    lane,
    concurrency: 5,
    workers: 2,
    onTurn,
    log,
    overrides: { now: () => 1500, watchEveryMs: 5, stuckAfterMs: 40, startFetchers: script.startFetchers },
  });
}

describe('createTurnConsumer', () => {
  it('shares its concurrency among its workers and hands on the turn with its age', async () => {
    const script = scripted();
    const onTurn = vi.fn(async () => undefined);
    const turns = consumer(script, onTurn);
    await turns.start();
    expect(script.started[0]?.concurrencies).toEqual([3, 2]);
    expect(await script.feed({ count: 3, ids: [] })).toEqual({ ok: 1 });
    expect(onTurn).toHaveBeenCalledWith({ lane, count: 3, requests: [], ageMs: 500 }, expect.any(AbortSignal));
    await turns.stop(100);
  });

  it('completes a turn whose handler throws, and logs it', async () => {
    const script = scripted();
    const turns = consumer(script, () => Promise.reject(new Error('ledger away')));
    await turns.start();
    expect(await script.feed({})).toEqual({ ok: 1 });
    expect(log.error).toHaveBeenCalledWith(expect.objectContaining({ event: 'turn-failed' }), expect.any(String));
    await turns.stop(100);
  });

  it('replaces workers that get nothing while turns wait', async () => {
    const script = scripted();
    script.fetchers.waiting.mockResolvedValue(1);
    const turns = consumer(script);
    await turns.start();
    await vi.waitFor(() => expect(script.started).toHaveLength(2));
    expect(script.fetchers.drop).toHaveBeenCalledOnce();
    expect(log.warn).toHaveBeenCalledWith(expect.objectContaining({ event: 'turns-stuck' }), expect.any(String));
    await turns.stop(100);
  });

  it.each([
    ['nothing waits', async () => 0, 'ok'],
    ['Redis is away', () => Promise.reject(new Error('ECONNREFUSED')), 'Redis: ECONNREFUSED'],
  ])('leaves them alone while %s', async (_name, waiting, health) => {
    const script = scripted();
    script.fetchers.waiting.mockImplementation(waiting);
    const turns = consumer(script);
    await turns.start();
    await vi.waitFor(() => expect(script.fetchers.waiting.mock.calls.length).toBeGreaterThan(12));
    expect(script.started).toHaveLength(1);
    expect(await turns.health()).toBe(health);
    await turns.stop(100);
  });

  it('leaves them alone while every slot is in use, and aborts the handlers at the end of a stop', async () => {
    const script = scripted();
    script.fetchers.waiting.mockResolvedValue(9);
    const signals: AbortSignal[] = [];
    const turns = consumer(script, async (_turn, signal) => {
      signals.push(signal);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    await turns.start();
    const handled = Promise.all([1, 2, 3, 4, 5].map(() => script.feed({})));
    await vi.waitFor(() => expect(script.fetchers.waiting.mock.calls.length).toBeGreaterThan(12));
    expect(script.started).toHaveLength(1);
    expect(signals.some((signal) => signal.aborted)).toBe(false);
    script.fetchers.close.mockImplementation(async () => void (await handled));
    await turns.stop(200);
    expect(signals.every((signal) => signal.aborted)).toBe(true);
    await handled;
    expect(script.fetchers.drop).not.toHaveBeenCalled();
  });
});
