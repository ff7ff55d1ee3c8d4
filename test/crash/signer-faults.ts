import { setTimeout as wait } from 'node:timers/promises';
import { armFreeze, armKill, disarm, frozenBy, type Member, type System } from '@sluice/testkit';
import type { Load } from './load.js';

/** Every labelled point of the signer at which a death must harm nobody. */
export const signerKillPoints = [
  'signer:before-claim',
  'signer:after-claim',
  'signer:after-sign',
  'signer:before-complete',
  'signer:after-complete',
] as const;

const strikeWaitMs = 15_000;

/** Resolves when so many requests wait for an answer: a fault in an idle system shows nothing. */
export async function untilInFlight(load: Load, count: number): Promise<void> {
  await until(`${count} requests in flight`, () => load.client.inFlight() >= count);
}

/**
 * kill -9 of whichever signer passes that point next. It is started again; two others must be there meanwhile for the
 * next fault. Returns what was in flight.
 */
export async function killSignerAt(system: System, load: Load, label: string): Promise<{ inFlight: number }> {
  const others = system.signers.filter((signer) => signer.alive);
  const death = Promise.race(others.map((signer) => signer.process.exited.then(() => signer)));
  armKill(system.killFile, label, 3);
  const dead = await Promise.race([death, wait(strikeWaitMs, undefined)]);
  if (dead === undefined) {
    disarm(system.killFile);
    throw new Error(`no signer passed ${label} within ${strikeWaitMs} ms`);
  }
  const inFlight = load.client.inFlight();
  const started = dead.start();
  started.catch(() => undefined); // `untilSignersAlive` tells
  await Promise.race([started, untilSignersAlive(system, 2)]);
  return { inFlight };
}

export async function untilSignersAlive(system: System, count: number): Promise<void> {
  await until(`${count} signers alive`, () => system.signers.filter((signer) => signer.alive).length >= count);
}

/**
 * SIGSTOP of a signer with signed certificates in its hands, until its lease has run out, its serials are burned, and
 * another signer holds the same requests; then SIGCONT: it completes what is no longer its own.
 */
export async function freezeSignerPastItsLease(system: System, signaturesPerSecond: number): Promise<void> {
  await untilSignersAlive(system, system.signers.length);
  armFreeze(system.killFile, 'signer:before-complete');
  await until('a signer is frozen', () => frozenBy(system.killFile) !== undefined);
  const frozen = system.signers.find((signer) => signer.process.pid === frozenBy(system.killFile));
  if (!frozen) throw new Error('somebody else was frozen');
  try {
    await until(
      'the sweep burned its serials',
      async () => (await ofTheFrozen(system, frozen, "s.state = 'burned'")) > 0,
    );
    // So that the others still hold them when the late one comes; shorter than a lease.
    system.pacer?.setRate(0);
    await until(
      'another signer claimed them',
      async () => (await ofTheFrozen(system, frozen, "s.state = 'burned' and w.state = 'signing'")) > 0,
    );
  } finally {
    frozen.process.thaw();
  }
  await wait(300); // the late completion has no signal of its own
  system.pacer?.setRate(signaturesPerSecond);
}

async function ofTheFrozen(system: System, frozen: Member, condition: string): Promise<number> {
  const [row] = await system.query<{ count: number }>(
    `select count(*)::integer as count from ledger.serial s join ledger.work w on w.request_id = s.request_id
     where s.signer = $1 and ${condition}`,
    [frozen.name],
  );
  return row?.count ?? 0;
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + strikeWaitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${strikeWaitMs} ms: ${what}`);
    await wait(10);
  }
}
