import { type Log, within } from '@sluice/lifecycle';
import { Redis } from 'ioredis';
import { decodeIds, encodeIds } from './bell-message.js';
import { FailFastRedis } from './fail-fast-redis.js';
import { dropConnection, faultLogger, reasonOf } from './redis-fault.js';
import { patientOptions } from './redis-options.js';
import type { Bell } from './types.js';
import { watchConnection } from './watch-connection.js';

/** Tagged like every key, though alone: sharded pub/sub puts a channel into the slot of its tag. */
const channel = '{sluice:bell}';
const idsPerMessageMax = 500;
/** Ids kept while Redis is away; beyond, the oldest are forgotten: their waiters read the ledger anyway. */
const keptIdsMax = 2000;
const firstListenWaitMs = 1000;
const retryMs = 300;

const isUnknownCommand = (thrown: unknown) => /unknown command/i.test(reasonOf(thrown));

/**
 * "Look again" over Redis pub/sub: sharded (Redis 7 and later), plain where the server does not know it. `ring` costs the
 * caller nothing and never throws; what is rung in one turn of the event loop goes out together. While Redis is away the
 * newest ids are kept and rung once it is back. A ring may be lost or come twice; whoever waits reads the ledger now and
 * then without being told.
 */
export function createBell(options: { redisUrl: string; log: Log }): Bell {
  const { redisUrl, log } = options;
  let publisher: FailFastRedis | undefined;
  let subscriber: Redis | undefined;
  let endWatch: (() => void) | undefined;
  /** Until the next connection: the server may be another one by then. */
  let sharded = true;
  const pending = new Set<string>();
  let flushing = false;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;
  const onPublishFault = faultLogger(log, { connection: 'sluice-bell' });

  function publisherOnce(): FailFastRedis {
    if (!publisher) {
      publisher = new FailFastRedis(redisUrl, 'sluice-bell', log);
      publisher.client.on('ready', () => {
        sharded = true;
        flushSoon();
      });
    }
    return publisher;
  }

  function flushSoon(): void {
    if (flushing || retry || closed || pending.size === 0) return;
    flushing = true;
    setImmediate(() => {
      flush().then(
        () => {
          flushing = false;
          // What was rung meanwhile. While Redis is away, `ready` tries again.
          if (publisher?.client.status === 'ready') flushSoon();
        },
        (thrown: unknown) => {
          flushing = false;
          onPublishFault(thrown);
          flushLater();
        },
      );
    });
  }

  function flushLater(): void {
    if (closed) return;
    retry = setTimeout(() => {
      retry = undefined;
      flushSoon();
    }, retryMs).unref();
  }

  async function flush(): Promise<void> {
    if (closed) return;
    const redis = publisherOnce();
    if (redis.client.status !== 'ready') return;
    const ids = [...pending].slice(0, idsPerMessageMax);
    for (const id of ids) pending.delete(id);
    try {
      await redis.run((client) => publish(client, encodeIds(ids)));
    } catch (thrown) {
      for (const id of ids) pending.add(id);
      throw thrown;
    }
  }

  async function publish(client: Redis, message: string): Promise<void> {
    if (sharded) {
      try {
        await client.spublish(channel, message);
        return;
      } catch (thrown) {
        if (!isUnknownCommand(thrown)) throw thrown;
        sharded = false;
      }
    }
    await client.publish(channel, message);
  }

  return {
    ring(requestIds) {
      if (closed) return;
      for (const id of requestIds) pending.add(id);
      for (const id of pending) {
        if (pending.size <= keptIdsMax) break;
        pending.delete(id);
      }
      flushSoon();
    },

    /** Resolves when the bell can be heard, or after a second without Redis; then it listens as soon as it can. */
    async listen(onRing) {
      if (subscriber || closed) throw new Error('the bell is listened to once');
      const client = new Redis({ ...patientOptions(redisUrl, 'sluice-bell-ear'), autoResubscribe: false });
      subscriber = client;
      endWatch = watchConnection(client);
      const onFault = faultLogger(log, { connection: 'sluice-bell-ear' });
      const hear = (_channel: string, message: string) => {
        try {
          onRing(decodeIds(message));
        } catch (err) {
          log.error({ event: 'ring-failed', err }, 'a listener of the bell threw');
        }
      };
      client.on('error', onFault);
      client.on('message', hear);
      client.on('smessage', hear);
      const heard = new Promise<void>((resolve) => {
        client.on('ready', () => void subscribe(client).then(resolve, onFault));
      });
      if (!(await within(firstListenWaitMs, heard))) {
        log.warn({ event: 'bell-late' }, 'Redis is away: nobody rings until it is back');
      }
    },

    async close() {
      if (pending.size > 0 && publisher) await within(200, flush()).catch(onPublishFault);
      closed = true;
      clearTimeout(retry);
      endWatch?.();
      publisher?.close();
      if (subscriber) dropConnection(subscriber);
    },
  };
}

/** On every connection anew: a restarted server may be of another version. */
async function subscribe(client: Redis): Promise<void> {
  try {
    await client.ssubscribe(channel);
  } catch (thrown) {
    if (!isUnknownCommand(thrown)) throw thrown;
    await client.subscribe(channel);
  }
}
