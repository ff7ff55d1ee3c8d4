import { setTimeout as wait } from 'node:timers/promises';
import { armFreeze, armKill, disarm, frozenBy, type Member, type System } from '@sluice/testkit';
import { tally } from '../flood/arrivals.js';
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
const freezeTries = 5;

/**
 * Resolves when so many requests are open, some of them with nobody waiting: admission lets no more of the others in
 * than it sees a capacity for.
 */
export async function untilOpen(system: System, load: Load, count: number): Promise<void> {
  let adding = false;
  const before = load.client.answers.length;
  const told = (): string => JSON.stringify(tally(load.client.answers.slice(before).map((answer) => ({ answer }))));
  await until(`${count} requests open`, async () => {
    const missing = count - (await countWork(system, 'true'));
    if (missing > 0 && !adding) {
      // One lot at a time: what waits for its share of the keys must not be the tests' own doing.
      adding = true;
      // More than are missing: while they are accepted, others end.
      void load.orderAsync(missing + 40).finally(() => {
        adding = false;
      });
    }
    return missing <= 0;
  }).catch((cause: unknown) => {
    throw new Error(`meanwhile clients were told ${told()}`, { cause });
  });
}

/** Resolves when so many requests wait for an answer: a fault in an idle system shows nothing. */
export async function untilInFlight(load: Load, count: number): Promise<void> {
  await until(`${count} requests in flight`, () => load.client.inFlight() >= count);
}

/**
 * kill -9 of whichever signer passes that point next. It is started again; two others must be there meanwhile for the
 * next fault. Returns how many requests were open.
 */
export async function killSignerAt(system: System, label: string): Promise<{ open: number }> {
  const others = system.signers.filter((signer) => signer.alive);
  const death = Promise.race(others.map((signer) => signer.process.exited.then(() => signer)));
  armKill(system.killFile, label, 3);
  const dead = await Promise.race([death, wait(strikeWaitMs, undefined)]);
  if (dead === undefined) {
    disarm(system.killFile);
    throw new Error(`no signer passed ${label} within ${strikeWaitMs} ms`);
  }
  const open = await countWork(system, 'true');
  const started = dead.start();
  started.catch(() => undefined); // `untilSignersAlive` tells
  await Promise.race([started, untilSignersAlive(system, 2)]);
  return { open };
}

export async function untilSignersAlive(system: System, count: number): Promise<void> {
  await until(`${count} signers alive`, () => system.signers.filter((signer) => signer.alive).length >= count);
}

/**
 * SIGSTOP of a signer with signed certificates in its hands, until its lease has run out, its serials are burned, and
 * another signer holds the same requests; then SIGCONT: it completes what is no longer its own. The load pauses
 * meanwhile, so that nothing else keeps the others busy.
 */
export async function freezeSignerPastItsLease(system: System, load: Load, signaturesPerSecond: number): Promise<void> {
  await untilSignersAlive(system, system.signers.length);
  load.pause();
  let frozen: Member | undefined;
  try {
    for (let tried = 1; frozen === undefined; tried += 1) {
      frozen = await freezeHolding(system, load, signaturesPerSecond);
      if (frozen === undefined && tried === freezeTries) throw new Error('each time its work was already lost');
    }
    const lostToOthers = `w.signer <> $1 and exists
      (select from ledger.serial s where s.request_id = w.request_id and s.signer = $1 and s.state = 'burned')`;
    await until('another signer holds its requests', async () => (await countWork(system, lostToOthers, frozen)) > 0);
    frozen.process.thaw();
    await wait(800); // the late completion has no signal of its own
  } finally {
    frozen?.process.thaw();
    system.pacer?.setRate(signaturesPerSecond);
    load.resume();
  }
}

/**
 * Freezes a signer while it alone holds work, and stops the tokens, so that the others hold what they will claim of it.
 * `undefined` when it came too late: its lease had run out before the tokens stood, and the others were done with it.
 */
async function freezeHolding(system: System, load: Load, signaturesPerSecond: number): Promise<Member | undefined> {
  await until('nothing is open', async () => (await countWork(system, 'true')) === 0);
  armFreeze(system.killFile, 'signer:before-complete');
  load.orderAsync(8);
  await until('a signer is frozen', () => frozenBy(system.killFile) !== undefined);
  const frozen = system.signers.find((signer) => signer.process.pid === frozenBy(system.killFile));
  if (!frozen) throw new Error('somebody else was frozen');
  await until(
    'only it holds work',
    async () => (await countWork(system, 'w.signer is distinct from $1', frozen)) === 0,
  );
  system.pacer?.setRate(0);
  if ((await countWork(system, 'w.signer = $1', frozen)) > 0) return frozen;
  frozen.process.thaw();
  system.pacer?.setRate(signaturesPerSecond);
  return undefined;
}

async function countWork(system: System, condition: string, signer?: Member): Promise<number> {
  const [row] = await system.query<{ count: number }>(
    `select count(*)::integer as count from ledger.work w where ${condition}`,
    signer === undefined ? [] : [signer.name],
  );
  return row?.count ?? 0;
}

/** Throws when it does not come true within 15 s. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + strikeWaitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${strikeWaitMs} ms: ${what}`);
    await wait(10);
  }
}
