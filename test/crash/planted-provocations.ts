import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import {
  armFreeze,
  frozenBy,
  type Member,
  makeCsr,
  type PostOptions,
  type System,
  testProfiles,
} from '@sluice/testkit';
import { holdCa, letCaGo, withSession } from './held-ca.js';
import { type Load, startLoad } from './load.js';
import { flushAll } from './outages.js';
import type { Provocation } from './planted-bench.js';
import { freezeSignerPastItsLease, killSignerAt, until, untilInFlight } from './signer-faults.js';

/** Signers look for work this often, whatever Redis does; with what a busy machine adds. */
const pollMs = 2000;
/** For what is open to end; and for an order to reach the ledger, which gives up a lock after 3 s. */
const restMs = 20_000;
const acceptWaitMs = 2500;
const async = { prefer: 'respond-async' };

let ordered = 0;
/** Unlike every other, under a key of its own. */
function newOrder() {
  ordered += 1;
  const name = `planted-${ordered}.example`;
  const { pem: csr } = makeCsr('ec-p256', name);
  return { profile: testProfiles.p256, csr, subjectDn: { common_name: name }, key: randomUUID() };
}
const orders = (count: number) => Array.from({ length: count }, newOrder);

const inFlight = 20;
const sleepTries = 8;
const underLoad =
  (fault: (system: System, load: Load) => Promise<unknown>): Provocation =>
  async (system) => {
    const load = startLoad(system, { inFlight, patienceMs: 1000 });
    try {
      await untilInFlight(load, inFlight - 10);
      await fault(system, load);
    } finally {
      await load.stop();
    }
    return load.client.answers;
  };

/** A signer dies with signatures in its hands: its lease runs out, and others do its work again. */
export const signerKilled = underLoad((system) => killSignerAt(system, 'signer:after-sign'));

/** A signer completes what is no longer its own. */
export const signerLate = (signaturesPerSecond: number): Provocation =>
  underLoad((system, load) => freezeSignerPastItsLease(system, load, signaturesPerSecond));

/**
 * Orders that nobody may claim for a while: joined by somebody with a shorter wait, which ends; their turns used up or
 * forgotten; and every signer that looks finds them locked, and is there when they are free again.
 */
export const ordersThatWait: Provocation = async (system) => {
  const client = system.client();
  const some = orders(8);
  await withSession(system, async (session) => {
    await holdCa(session);
    await Promise.all(some.map((order) => client.post({ ...order, ...async })));
    await Promise.all(some.map((order) => client.post({ ...order, prefer: 'wait=1' })));
    await flushAll(system);
    await session.query('begin');
    await session.query(`select from ledger.work where state = 'queued' order by request_id for update`);
    await letCaGo(session);
    await untilLocksAwaited(system, system.signers.length, pollMs);
    await session.query('commit');
  });
  return client.answers;
};

/** Two front ends join the same requests at the same time, in opposite orders, while somebody holds the one in the middle. */
export const oppositeJoins: Provocation = async (system) => {
  const client = system.client();
  const some = orders(16);
  const at = (frontEnd: Member | undefined, joined: readonly PostOptions[]) =>
    joined.map((order) => client.post({ ...order, ...async, ...(frontEnd ? { baseUrl: frontEnd.url } : {}) }));
  await withSession(system, async (session) => {
    await holdCa(session);
    const accepted = await Promise.all(at(system.frontEnds[0], some));
    for (let round = 0; round < 3; round += 1) {
      await session.query('begin');
      await session.query('select from ledger.work where request_id = $1 for update', [accepted[8]?.id]);
      const joins = [...at(system.frontEnds[0], some), ...at(system.frontEnds[1], [...some].reverse())];
      await untilLocksAwaited(system, 2, 1000);
      await session.query('commit');
      await Promise.all(joins);
    }
    await letCaGo(session);
  });
  return client.answers;
};

/** A signer stands still between claim and keys until its lease is over, with several orders of one claim. */
export const signerAsleep: Provocation = async (system) => {
  const client = system.client();
  for (let tried = 1; ; tried += 1) {
    // A signer that has not signed many at once takes one at a time.
    await Promise.all(orders(40).map((order) => client.post(order)));
    await withSession(system, async (session) => {
      await holdCa(session);
      await Promise.all(orders(30).map((order) => client.post({ ...order, ...async })));
      armFreeze(system.killFile, 'signer:before-sign');
      await letCaGo(session);
    });
    if (await sleptPastItsLease(system)) return client.answers;
    if (tried === sleepTries) throw new Error('each time it had one order of its claim');
  }
};

/** Wakes the signer that is frozen when its lease is over. True: its claims, or one of them, had several orders. */
async function sleptPastItsLease(system: System): Promise<boolean> {
  await until('a signer is frozen', () => frozenBy(system.killFile) !== undefined);
  const frozen = system.signers.find((signer) => signer.process.pid === frozenBy(system.killFile));
  const inHand = `select count(*)::integer as count from ledger.work
    where signer = $1 and state = 'signing' and lease_until > clock_timestamp() group by claim_id order by 1 desc`;
  const ofOneClaim = async (): Promise<number> =>
    (await system.query<{ count: number }>(inHand, [frozen?.name]))[0]?.count ?? 0;
  try {
    const several = (await ofOneClaim()) > 1;
    await until('its lease is over', async () => (await ofOneClaim()) === 0);
    return several;
  } finally {
    frozen?.process.thaw();
  }
}

/** A few orders, and certificates for them. */
export const fewOrders: Provocation = async (system) => {
  const client = system.client();
  await Promise.all(orders(5).map((order) => client.post(order)));
  return client.answers;
};

/** A front end dies as soon as its clients have their answers. */
export const frontEndKilled: Provocation = async (system) => {
  const client = system.client();
  const [frontEnd] = system.frontEnds;
  await Promise.all(orders(8).map((order) => client.post({ ...order, ...async, baseUrl: frontEnd?.url ?? '' })));
  await frontEnd?.process.kill9();
  await frontEnd?.start();
  return client.answers;
};

/** The answer to a commit is lost: it is stored while the wire lets nothing back, and then the wire breaks. */
export const answerLost: Provocation = async (system) => {
  const client = system.client();
  const { key: _, ...order } = newOrder();
  const isStored = `select from ledger.request where content::jsonb #>> '{subject_dn,common_name}' = $1`;
  await system.settle(restMs); // or others would wait for the lock too
  await withSession(system, async (session) => {
    // The accept is in the ledger's hands, and waits there, when the wire goes.
    await session.query('begin; lock table ledger.open_fingerprint in exclusive mode');
    const posted = client.post(order);
    await untilLocksAwaited(system, 1, acceptWaitMs);
    system.wires?.postgres.halfOpen();
    try {
      await session.query('rollback');
      await until('it is stored', async () => (await system.query(isStored, [order.subjectDn.common_name])).length > 0);
    } finally {
      system.wires?.postgres.heal();
    }
    await posted;
  });
  return client.answers;
};

/**
 * Orders are accepted, and PostgreSQL dies. Until then nobody else may commit anything, which would take what is before
 * it to the disk; nor may the process that does so five times a second.
 */
export const acceptedThenKilled: Provocation = async (system) => {
  const client = system.client();
  const [frontEnd, ...otherFrontEnds] = system.frontEnds;
  const others = [...otherFrontEnds, ...system.signers, system.registry];
  const [walWriter] = await system.query<{ pid: number }>(
    `select pid from pg_stat_activity where backend_type = 'walwriter'`,
  );
  for (const { process: other } of others) other.freeze();
  try {
    process.kill(walWriter?.pid ?? Number.NaN, 'SIGSTOP');
    const accepted = await Promise.all(
      orders(8).map((order) => client.post({ ...order, ...async, baseUrl: frontEnd?.url ?? '' })),
    );
    await system.postgres?.kill9();
    if (accepted.some(({ fate }) => fate !== 'continuing')) throw new Error('not all were accepted');
  } finally {
    for (const { process: other } of others) other.thaw();
  }
  await system.postgres?.restart();
  return client.answers;
};

/** Until so many wait for a lock of this database, or for `waitMs`: without the bug perhaps nobody does. */
async function untilLocksAwaited(system: System, count: number, waitMs: number): Promise<void> {
  const awaited = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  const end = performance.now() + waitMs;
  while ((await system.query(awaited)).length < count && performance.now() < end) await wait(20);
}
