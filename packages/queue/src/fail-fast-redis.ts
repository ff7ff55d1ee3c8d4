import type { BreakerState } from '@sluice/breaker';
import { type Log, within } from '@sluice/lifecycle';
import { Redis } from 'ioredis';
import { dropConnection, faultLogger, reasonOf, redisUnavailable } from './redis-fault.js';
import { failFastOptions } from './redis-options.js';

/** A call is given up after this at the latest. With what a busy event loop adds, nobody waits longer than about 200 ms. */
const callWaitMaxMs = 150;
/** A connection that has answered nothing for this long is made anew: it may be half open. */
const reconnectAfterMs = 3000;
const firstReadyWaitMs = 1000;

/**
 * A Redis connection for callers who must not wait and can do without.
 *
 * Away: refused at once. Hanging: the first calls are given up after `callWaitMs`, and from then on all are refused at once
 * while a single PING waits for the first sign of life, so that neither callers nor unanswered commands pile up.
 * A call that was given up may still take effect.
 */
export class FailFastRedis {
  readonly client: Redis;
  readonly #callWaitMs: number;
  #silentSinceMs: number | undefined;
  #probing = false;
  /** Only while the first connection is being made, at most a second: otherwise the first calls after a start fail. */
  #firstReady: Promise<void> | undefined;

  constructor(redisUrl: string, connectionName: string, log?: Log, callWaitMs = callWaitMaxMs) {
    this.#callWaitMs = callWaitMs;
    this.client = new Redis(failFastOptions(redisUrl, connectionName));
    this.client.on('error', faultLogger(log, { connection: connectionName }));
    this.client.on('ready', () => {
      this.#silentSinceMs = undefined;
    });
    this.#firstReady = within(firstReadyWaitMs, new Promise((resolve) => this.client.once('ready', resolve))).then(
      () => {
        this.#firstReady = undefined;
      },
    );
  }

  /** Does `work`, or throws SluiceError('unavailable') within about 200 ms. Not tried again here. */
  async run<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    if (this.#silentSinceMs !== undefined) {
      this.#probe(this.#silentSinceMs);
      throw redisUnavailable('it does not answer');
    }
    let settled = false;
    const now = async () => {
      if (settled) throw new Error('given up');
      return work(this.client);
    };
    const call = this.#firstReady ? this.#firstReady.then(now) : now();
    let giveUp: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      giveUp = setTimeout(() => {
        // A busy event loop runs late timers before it reads what has arrived: let it read first.
        setImmediate(() =>
          setImmediate(() => {
            if (settled) return;
            if (this.client.status === 'ready') this.#probe(performance.now());
            reject(new Error(`no answer within ${this.#callWaitMs} ms`));
          }),
        );
      }, this.#callWaitMs);
    });
    try {
      return await Promise.race([call, late]);
    } catch (thrown) {
      throw redisUnavailable(thrown);
    } finally {
      settled = true;
      clearTimeout(giveUp);
    }
  }

  /** It hangs: calls are refused until it gives a sign of life. */
  get silent(): boolean {
    return this.#silentSinceMs !== undefined;
  }

  /** A breaker of its own kind: it needs no failures to know that the connection is gone. */
  state(): BreakerState {
    if (this.client.status === 'ready' && !this.silent) return 'closed';
    return this.#probing ? 'probing' : 'open';
  }

  /** `ok`, or what is wrong. */
  async health(): Promise<string> {
    try {
      await this.run((client) => client.ping());
      return 'ok';
    } catch (thrown) {
      return reasonOf(thrown);
    }
  }

  close(): void {
    dropConnection(this.client);
  }

  #probe(silentSinceMs: number): void {
    this.#silentSinceMs = silentSinceMs;
    if (performance.now() - silentSinceMs > reconnectAfterMs && this.client.status === 'ready') {
      this.#silentSinceMs = performance.now();
      this.client.disconnect(true);
      return;
    }
    if (this.#probing || this.client.status !== 'ready') return;
    this.#probing = true;
    this.client
      .ping()
      .then(
        () => {
          this.#silentSinceMs = undefined;
        },
        // No sign of life; the next call looks again, and `ready` ends the silence too.
        () => undefined,
      )
      .finally(() => {
        this.#probing = false;
      });
  }
}
