import { randomBytes, randomUUID } from 'node:crypto';
import type { RequestClass } from '@sluice/issuance';
import { newRequestId } from '@sluice/ledger';
import { createTurnProducer } from '@sluice/queue';
import type { System } from '@sluice/testkit';
import { Pool } from 'pg';
import { nextOrder } from './orders.js';

/** Orders of a class that `POST /identity` gives nobody. */
export interface LaneFlood {
  /** Durable when it resolves, and their turns are added. */
  add(count: number): Promise<void>;
  /** What of it is still queued is cancelled. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const timeToLiveMs = 24 * 3600 * 1000;
/** Of one commit; more would keep rows locked for long. */
const batchMax = 500;

/**
 * Work of a class, stored as the service that may ask for it will store it: by the ledger's own `accept`, in the name of
 * a front end, without HTTP and so without its admission. Each is a copy of one real order.
 */
export async function createLaneFlood(system: System, requestClass: RequestClass): Promise<LaneFlood> {
  const client = system.client();
  const { id: pattern } = await client.post(nextOrder());
  if (pattern === undefined) throw new Error('the order that was to be copied was not accepted');
  const pool = new Pool({ connectionString: system.adminUrl, max: 2 });
  const turns = createTurnProducer({ redisUrl: system.redis.url });

  async function store(count: number): Promise<void> {
    const ids = Array.from({ length: count }, () => newRequestId(Date.now()));
    await pool.query(
      `select count(*) from (select * from ledger.request where id = $1) r,
         (select name, incarnation from registry.subscriber where service = 'identity-api' and not fenced limit 1) s, registry.epoch e,
         ledger.accept(s.name, s.incarnation, e.epoch, $2::uuid[], array_fill(r.account, $6), array_fill(r.profile, $6),
           array_fill(r.profile_revision, $6), array_fill(r.ca, $6), array_fill(r.key_group, $6), array_fill($3::text, $6),
           array_fill(r.content, $6), array_fill(r.spki, $6), array_fill(r.csr, $6), array_fill(null::jsonb, $6), $4::bytea[],
           $5::text[], array_fill(r.payload_hash, $6), array_fill($7::integer, $6), array_fill(null::uuid, $6))`,
      [pattern, ids, requestClass, ids.map(() => randomBytes(32)), ids.map(() => randomUUID()), [count], timeToLiveMs],
    );
    // Crash here: the sweep adds the turns.
    await turns.add({ class: requestClass, keyGroup: 'default' }, ids).catch(() => undefined);
  }

  return {
    async add(count) {
      for (let left = count; left > 0; left -= batchMax) await store(Math.min(left, batchMax));
    },
    async drain() {
      for (let ended = 1; ended > 0; ) {
        const { rows } = await pool.query<{ ended: number }>(
          `with some as (select w.request_id from ledger.work w where w.class = $1 and w.state = 'queued' order by w.request_id limit 5000 for update)
           select count(*)::integer as ended, ledger.end_requests(array_agg(request_id), 'cancelled', null, 'flood') from some`,
          [requestClass],
        );
        ended = rows[0]?.ended ?? 0;
      }
    },
    async close() {
      await turns.close();
      await pool.end();
    },
  };
}
