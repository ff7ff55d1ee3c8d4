import type { Log } from '@sluice/lifecycle';
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible';
import { FailFastRedis } from './fail-fast-redis.js';
import type { WindowCount, WindowCounter } from './types.js';

/** What comes for a key while it is being counted: the next call counts all of it. */
interface Gathered {
  adding: ((count: WindowCount) => void)[];
  givenBack: number;
}

export interface WindowCounterOptions {
  readonly redisUrl: string;
  readonly log?: Log;
  /** Redis is slow when it takes longer. */
  readonly callWaitMs?: number;
  /** Called once per call: where it was counted. */
  readonly onCounted: (where: 'redis' | 'memory') => void;
}

/**
 * Counts in fixed windows, for all processes together, in Redis: one atomic call at a time for a key, whoever came
 * meanwhile sharing the next one. While Redis is away or slow each process counts for itself, from nothing: so for that
 * while, and for a window after it, what is let in is at most once more what it should be, per process.
 */
export function createWindowCounter(options: WindowCounterOptions): WindowCounter {
  const { redisUrl, log, callWaitMs = 50, onCounted } = options;
  const redis = new FailFastRedis(redisUrl, 'sluice-counts', log, callWaitMs);
  // The library only counts: what is too much is said by whoever asks.
  const how = { keyPrefix: 'sluice-count', points: Number.MAX_SAFE_INTEGER, duration: 1 };
  const shared = new RateLimiterRedis({ ...how, storeClient: redis.client });
  const own = new RateLimiterMemory(how);
  const gathering = new Map<string, Gathered>();

  async function count(key: string, points: number, windowS: number): Promise<RateLimiterRes> {
    const window = { customDuration: windowS };
    try {
      const counted = await redis.run(() => shared.penalty(key, points, window));
      onCounted('redis');
      return counted;
    } catch {
      // The connection has logged why.
      onCounted('memory');
      return await own.penalty(key, points, window);
    }
  }

  async function countGathered(key: string, windowS: number, gathered: Gathered): Promise<void> {
    while (gathered.adding.length > 0 || gathered.givenBack > 0) {
      const { adding, givenBack } = gathered;
      Object.assign(gathered, { adding: [], givenBack: 0 });
      const { consumedPoints, msBeforeNext } = await count(key, adding.length - givenBack, windowS);
      for (const [index, resolve] of adding.entries()) {
        resolve({ count: consumedPoints - adding.length + index + 1, endsInMs: msBeforeNext });
      }
    }
    gathering.delete(key);
  }

  function gather(key: string, windowS: number, put: (gathered: Gathered) => void): void {
    const known = gathering.get(key);
    const gathered = known ?? { adding: [], givenBack: 0 };
    put(gathered);
    if (known !== undefined) return;
    gathering.set(key, gathered);
    // Never rejects: what Redis cannot count is counted in memory.
    void countGathered(key, windowS, gathered);
  }

  return {
    add: (key, windowS) => new Promise((resolve) => gather(key, windowS, ({ adding }) => adding.push(resolve))),
    giveBack: (key, windowS) =>
      gather(key, windowS, (gathered) => {
        gathered.givenBack += 1;
      }),
    close: () => redis.close(),
  };
}
