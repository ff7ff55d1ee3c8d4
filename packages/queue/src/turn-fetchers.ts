import { type Lane, laneName } from '@sluice/issuance';
import { within } from '@sluice/lifecycle';
import { type Job, Worker } from 'bullmq';
import { Redis, type RedisOptions } from 'ioredis';
import { bullmqOptions, queueName, queuePrefix, waitingKey } from './lane-queue.js';
import { dropConnection } from './redis-fault.js';
import { patientOptions } from './redis-options.js';
import { watchConnection } from './watch-connection.js';

/** Several BullMQ workers of one lane over one command connection and one blocking connection each. */
export interface TurnFetchers {
  /** Turns that wait in Redis; rejects when it does not say within `waitMs`. */
  waiting(waitMs: number): Promise<number>;
  /** Fetches nothing more; resolves when what was fetched is done and told to Redis, which may never be. */
  close(): Promise<void>;
  /** Lets go at once: connections dropped, turns in hand are Redis' to hand out again when their locks run out. */
  drop(): void;
}

export interface FetcherOptions {
  readonly redisUrl: string;
  readonly lane: Lane;
  /** Turns in hand at once, per worker. */
  readonly concurrencies: readonly number[];
  handle(job: Job<unknown>): Promise<{ ok: 1 }>;
  onFault(thrown: unknown): void;
}

/** After this an idle worker asks again. Also how soon a blocking connection that went dead is noticed, plus a second. */
const drainDelaySeconds = 2;

const workerOptions = {
  ...bullmqOptions,
  drainDelay: drainDelaySeconds,
  // A dead signer's turns come back after 10 to 15 s. The sweeper counts them as turns until then.
  lockDuration: 10_000,
  stalledInterval: 5_000,
  maxStalledCount: 1,
  // BullMQ's 15 s would keep a slot from working long after Redis is back.
  runRetryDelay: 500,
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
} as const;

/**
 * The command connection, and the copies that BullMQ makes of it for its blocking commands and keeps to itself until
 * they are ready: we need them all, to take their errors and to end them whatever state they are in.
 */
function connect(options: RedisOptions, onFault: (thrown: unknown) => void): { command: Redis; all: Redis[] } {
  const command = new Redis(options);
  command.on('error', onFault);
  const all = [command];
  Object.assign(command, {
    duplicate(changes: RedisOptions | undefined) {
      const copy = new Redis({ ...options, ...changes });
      copy.on('error', onFault);
      all.push(copy);
      return copy;
    },
  });
  return { command, all };
}

export function startFetchers(options: FetcherOptions): TurnFetchers {
  const { lane, onFault } = options;
  const { command, all } = connect(patientOptions(options.redisUrl, `sluice-turns:${laneName(lane)}`), onFault);
  const endWatch = watchConnection(command);
  const workers = options.concurrencies.map((concurrency) => {
    const worker = new Worker<unknown>(queueName, (job) => options.handle(job), {
      ...workerOptions,
      connection: command,
      prefix: queuePrefix(lane),
      concurrency,
    });
    worker.on('error', onFault);
    return worker;
  });

  return {
    async waiting(waitMs) {
      const asked = command.llen(waitingKey(lane));
      if (!(await within(waitMs, asked))) throw new Error(`no answer within ${waitMs} ms`);
      return asked;
    },
    async close() {
      await Promise.allSettled(workers.map((worker) => worker.close()));
      endWatch();
      dropConnection(command);
    },
    drop() {
      endWatch();
      for (const worker of workers) void worker.close(true).catch(onFault);
      for (const client of all) dropConnection(client);
    },
  };
}
