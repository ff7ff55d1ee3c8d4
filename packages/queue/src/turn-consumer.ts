import { type Lane, laneName } from '@sluice/issuance';
import { every, type Log, type Part, within } from '@sluice/lifecycle';
import { faultLogger, reasonOf } from './redis-fault.js';
import { type FetcherOptions, startFetchers, type TurnFetchers } from './turn-fetchers.js';
import { readTurn } from './turn-job.js';
import type { HealthChecked, Turn, TurnConsumer } from './types.js';

export interface TurnConsumerOptions {
  /** `redis://[user]:password@host:port/db`. */
  readonly redisUrl: string;
  readonly lane: Lane;
  /** Turns handled at once. */
  readonly concurrency: number;
  /** Fetch loops that share them; a BullMQ worker fetches one job after the other. Default 1, at most `concurrency`. */
  readonly workers?: number;
  /**
   * Handles one turn. What it throws is logged, and the turn is gone all the same. `signal` is aborted shortly before a
   * stop lets go. It is not aborted when Redis loses the lock: then the turn may run twice, and the ledger decides.
   */
  onTurn(turn: Turn, signal: AbortSignal): Promise<void>;
  readonly log: Log;
  /** For tests: Unix milliseconds, how often the watchdog looks, and what it replaces. */
  readonly overrides?: {
    now?(): number;
    watchEveryMs?: number;
    stuckAfterMs?: number;
    startFetchers?(options: FetcherOptions): TurnFetchers;
  };
}

const watchEveryMs = 2000;
/** Longer than an idle worker needs to notice a dead connection by itself (3 s) and to reconnect (1 s), twice. */
const stuckAfterMs = 8000;
/** How long handlers get between the abort of their signal and the end of a stop, and Redis to hear of the last turns. */
const lettingGoMs = 500;

/**
 * Takes turns of one lane from Redis. `start` does not wait for Redis: turns come once it is there. A worker that gets
 * nothing although turns wait and it has room is replaced, because past versions of BullMQ have been left deaf by an
 * outage; the replacement costs nothing but connections.
 */
export function createTurnConsumer(options: TurnConsumerOptions): TurnConsumer & HealthChecked {
  const { lane, log, concurrency, overrides = {} } = options;
  const facts = { lane: laneName(lane) };
  const now = overrides.now ?? Date.now;
  const letGo = new AbortController();
  const running = new Set<Promise<void>>();
  let fetchers: TurnFetchers | undefined;
  let watchdog: Part | undefined;
  /** When a turn last came, or could not have come: nothing waited, no room, Redis away. */
  let fedAtMs = performance.now();
  let redisSays = 'not started';

  async function run(turn: Turn): Promise<void> {
    try {
      await options.onTurn(turn, letGo.signal);
    } catch (err) {
      log.error(
        { event: 'turn-failed', ...facts, count: turn.count, err },
        'a turn failed; its work stays in the ledger',
      );
    }
  }

  function begin(): void {
    const workers = Math.max(1, Math.min(options.workers ?? 1, concurrency));
    const share = (index: number) => Math.floor(concurrency / workers) + (index < concurrency % workers ? 1 : 0);
    fedAtMs = performance.now();
    fetchers = (overrides.startFetchers ?? startFetchers)({
      redisUrl: options.redisUrl,
      lane,
      concurrencies: Array.from({ length: workers }, (_, index) => share(index)),
      async handle(job) {
        fedAtMs = performance.now();
        const turn = run(readTurn(lane, job.data, now() - job.timestamp));
        running.add(turn);
        await turn;
        running.delete(turn);
        return { ok: 1 };
      },
      onFault: faultLogger(log, facts),
    });
  }

  async function watch(): Promise<void> {
    if (!fetchers) return;
    try {
      const waiting = await fetchers.waiting(1000);
      redisSays = 'ok';
      if (waiting === 0 || running.size >= concurrency) fedAtMs = performance.now();
    } catch (thrown) {
      redisSays = `Redis: ${reasonOf(thrown)}`;
      fedAtMs = performance.now();
    }
    const deafMs = performance.now() - fedAtMs;
    if (!fetchers || deafMs < (overrides.stuckAfterMs ?? stuckAfterMs)) return;
    log.warn(
      { event: 'turns-stuck', ...facts, deafMs: Math.round(deafMs) },
      'turns wait but none comes: starting over',
    );
    fetchers.drop();
    begin();
  }

  return {
    async start() {
      if (fetchers || letGo.signal.aborted) return;
      begin();
      watchdog = every(`turns ${facts.lane}`, overrides.watchEveryMs ?? watchEveryMs, watch, log);
      await watchdog.start();
    },
    async stop(deadlineMs) {
      const current = fetchers;
      fetchers = undefined;
      void watchdog?.stop(1500);
      if (!current) return letGo.abort();
      const marginMs = Math.min(lettingGoMs, deadlineMs / 4);
      const handlersEnd = performance.now() + deadlineMs - 2 * marginMs;
      const closed = current.close();
      // `closed` means that Redis knows as well, which may never be: when it is away, the handlers' end is enough. Asked
      // again, because a turn may still arrive that was being fetched.
      do {
        await within(handlersEnd - performance.now(), allDone(running, closed));
        if (await within(marginMs, closed)) break;
      } while (running.size > 0 && performance.now() < handlersEnd);
      letGo.abort();
      await within(marginMs, allDone(running, closed));
      if (!(await within(marginMs, closed))) current.drop();
      if (running.size > 0)
        log.warn({ event: 'turns-left', ...facts, turns: running.size }, 'stopped with turns in hand');
    },
    async health() {
      return fetchers ? redisSays : 'not started';
    },
  };
}

/** Every handler that runs has ended, or everything is closed. */
async function allDone(running: ReadonlySet<Promise<void>>, closed: Promise<void>): Promise<void> {
  await Promise.race([Promise.all(running), closed]);
}
