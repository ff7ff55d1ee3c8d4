import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { flowName, type RequestClass } from '@sluice/issuance';
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

interface Pattern {
  readonly caller: string;
  readonly incarnation: string;
  readonly epoch: string;
  readonly account: string;
  readonly profile: string;
  readonly profile_revision: number;
  readonly ca: string;
  readonly key_group: string;
  readonly content: string;
  readonly spki: Buffer;
  readonly csr: Buffer;
  readonly payload_hash: Buffer;
}

/** A real order, and a front end in whose name it is copied. */
async function patternOf(system: System): Promise<Pattern> {
  const client = system.client();
  let id: string | undefined;
  // Of an account that flooded a moment ago nothing is accepted until front ends have counted again.
  for (let tries = 0; id === undefined && tries < 20; tries += 1) {
    ({ id } = await client.post(nextOrder()));
    if (id === undefined) await wait(500);
  }
  const [pattern] = await system.query<Pattern>(
    `select s.name as caller, s.incarnation, e.epoch, r.* from ledger.request r, registry.subscriber s, registry.epoch e
     where r.id = $1 and s.service = 'identity-api' and not s.fenced order by s.name limit 1`,
    [id],
  );
  if (pattern === undefined) throw new Error('the order that was to be copied was not accepted');
  return pattern;
}

/**
 * Work of a class, stored as the service that may ask for it will store it: by the ledger's own `accept`, under the role
 * and in the name of a front end, without HTTP and so without its admission.
 */
export async function createLaneFlood(system: System, requestClass: RequestClass): Promise<LaneFlood> {
  const one = await patternOf(system);
  const frontEndUrl = readFileSync(join(system.dir, 'secrets', 'identity-api-database-url'), 'utf8');
  const frontEnd = new Pool({ connectionString: frontEndUrl, max: 2 });
  const turns = createTurnProducer({ redisUrl: system.redis.url });

  async function store(count: number): Promise<void> {
    const ids = Array.from({ length: count }, () => newRequestId(Date.now()));
    const all = <T>(value: T): T[] => ids.map(() => value);
    await frontEnd.query(
      `select count(*) from ledger.accept($1, $2, $3, $4::uuid[], $5::text[], $6::text[], $7::integer[], $8::text[], $9::text[], $10::text[],
         $11::text[], $12::bytea[], $13::bytea[], $14::jsonb[], $15::bytea[], $16::text[], $17::bytea[], $18::integer[], $19::uuid[])`,
      [
        ...[one.caller, one.incarnation, one.epoch, ids, all(one.account), all(one.profile), all(one.profile_revision)],
        ...[
          all(one.ca),
          all(one.key_group),
          all(requestClass),
          all(one.content),
          all(one.spki),
          all(one.csr),
          all(null),
        ],
        ...[ids.map(() => randomBytes(32)), ids.map(() => randomUUID()), all(one.payload_hash)],
        ...[all(timeToLiveMs), all(null)],
      ],
    );
    // Crash here: the sweep adds the turns.
    const flow = flowName(one.account, one.ca);
    const requests = ids.map((requestId) => ({ requestId, flow }));
    await turns.add({ class: requestClass, keyGroup: one.key_group }, requests).catch(() => undefined);
  }

  return {
    async add(count) {
      for (let left = count; left > 0; left -= batchMax) await store(Math.min(left, batchMax));
    },
    async drain() {
      for (let ended = 1; ended > 0; ) {
        const [row] = await system.query<{ ended: number }>(
          `with flooded as (select w.request_id from ledger.work w where w.class = $1 and w.state = 'queued' order by w.request_id limit 5000 for update)
           select count(*)::integer as ended, ledger.end_requests(array_agg(request_id), 'cancelled', null, 'flood') from flooded`,
          [requestClass],
        );
        ended = row?.ended ?? 0;
      }
    },
    async close() {
      await turns.close();
      await frontEnd.end();
    },
  };
}
