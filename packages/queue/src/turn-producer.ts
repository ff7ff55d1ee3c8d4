import { randomBytes } from 'node:crypto';
import { type Lane, laneName } from '@sluice/issuance';
import type { Log } from '@sluice/lifecycle';
import { Queue } from 'bullmq';
import { FailFastRedis } from './fail-fast-redis.js';
import { bullmqOptions, queueName, queuePrefix } from './lane-queue.js';
import { faultLogger } from './redis-fault.js';
import { requestsPerTurnMax, type TurnJob, turnJobs } from './turn-job.js';
import type { BreakerShown, HealthChecked, TurnProducer } from './types.js';

export interface TurnProducerOptions {
  /** `redis://[user]:password@host:port/db`. */
  readonly redisUrl: string;
  readonly log?: Log;
}

/** More missing turns than this in one call would only keep Redis from its work; the sweeper comes again in a second. */
const missingTurnsMax = 500;

/**
 * Adds turns. Every method settles within about 200 ms: SluiceError('unavailable') while Redis is away or hangs. Nothing
 * is tried again here, and a call that was given up may still take effect: a turn too many finds no work, the sweeper
 * adds one that is missing. What is durable on return is what Redis makes durable (append-only file, every second).
 */
export function createTurnProducer(options: TurnProducerOptions): TurnProducer & HealthChecked & BreakerShown {
  const redis = new FailFastRedis(options.redisUrl, 'sluice-turns', options.log);
  const queues = new Map<string, Queue<TurnJob>>();
  // A job id only has to be new: BullMQ silently ignores one that exists, and a request may rightly get a second turn.
  const idPrefix = `t${randomBytes(6).toString('hex')}`;
  let added = 0;

  function queueOf(lane: Lane): Queue<TurnJob> {
    const name = laneName(lane);
    let queue = queues.get(name);
    if (!queue) {
      queue = new Queue<TurnJob>(queueName, {
        ...bullmqOptions,
        skipMetasUpdate: true,
        connection: redis.client,
        prefix: queuePrefix(lane),
        defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
      });
      queue.on('error', faultLogger(options.log, { lane: name }));
      queues.set(name, queue);
    }
    return queue;
  }

  async function addJobs(lane: Lane, jobs: readonly TurnJob[]): Promise<void> {
    if (jobs.length === 0) return;
    const bulk = jobs.map((data) => ({ name: 'turn', data, opts: { jobId: `${idPrefix}-${(added++).toString(36)}` } }));
    await redis.run(async () => {
      const [only] = bulk;
      if (bulk.length === 1 && only) await queueOf(lane).add(only.name, only.data, only.opts);
      else await queueOf(lane).addBulk(bulk);
    });
  }

  return {
    add: (lane, requests) => addJobs(lane, turnJobs(requests)),
    addMissing: (lane, turns, count) =>
      addJobs(
        lane,
        Array.from({ length: Math.min(turns, missingTurnsMax) }, () => ({
          count: Math.min(count, requestsPerTurnMax),
          ids: [],
          flows: [],
        })),
      ),
    async openTurns(lane) {
      const counts = await redis.run(() => queueOf(lane).getJobCounts('wait', 'active'));
      return (counts.wait ?? 0) + (counts.active ?? 0);
    },
    health: () => redis.health(),
    state: () => redis.state(),
    async close() {
      await Promise.allSettled([...queues.values()].map((queue) => queue.close()));
      redis.close();
    },
  };
}
