import { setTimeout as wait } from 'node:timers/promises';
import { type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Arrivals, startArrivals, tally } from './arrivals.js';
import { nextOrder } from './orders.js';
import { createSwiftClient } from './swift-client.js';

// Goal: 100,000 orders, many of which end at the very edge of their client's wait, while tokens stand still at random and
// signers are killed: client history, witness and ledger agree, and no fate that was told proves false.

/** EDGE_ORDERS */
const orders = Number(process.env.EDGE_ORDERS ?? 100_000);
/** EDGE_CAPACITY: signatures per second of all signers together. */
const signaturesPerSecond = Number(process.env.EDGE_CAPACITY ?? 250);
const waitsS = [6, 6, 4, 2, 1];

let system: System;
beforeAll(async () => {
  system = await startSystem({ signers: 3, frontEnds: 2, signaturesPerSecond });
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

const between = (fromMs: number, toMs: number): number => fromMs + Math.random() * (toMs - fromMs);

/** Stalls of 1 to 8 s, so that waits end in them, before them and just after; a signer killed in every other. */
async function disturb(isOver: () => boolean): Promise<{ stalls: number; kills: number }> {
  const done = { stalls: 0, kills: 0 };
  while (!isOver()) {
    await wait(between(2000, 8000));
    system.pacer?.setRate(0);
    await wait(between(1000, 8000));
    const signer = system.signers[Math.floor(Math.random() * system.signers.length)];
    if (done.stalls % 2 === 1 && signer !== undefined) {
      await signer.process.kill9();
      done.kills += 1;
    }
    system.pacer?.setRate(signaturesPerSecond);
    if (signer?.alive === false) await signer.start();
    done.stalls += 1;
  }
  return done;
}

const allSent = (arrivals: Arrivals): boolean => arrivals.all.length >= orders;

it('no fate that was told proves false', async () => {
  const client = createSwiftClient(system);
  let sent = 0;
  const arrivals = startArrivals(1.2 * signaturesPerSecond, () => {
    sent += 1;
    const prefer = `wait=${waitsS[sent % waitsS.length]}`;
    return client.post(sent % 3 === 0 ? { ...nextOrder({ prefer }), key: undefined } : nextOrder({ prefer }));
  });
  const done = await disturb(() => allSent(arrivals));
  await arrivals.stop();
  await client.close();
  console.table([{ orders: arrivals.all.length, ...done }]);
  console.table(tally(arrivals.all));
  await system.settle(60_000);
  const { violations, counts } = await system.audit(client.answers);
  console.table([counts]);
  expect(violations).toEqual([]);
});
