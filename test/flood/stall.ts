import type { System } from '@sluice/testkit';
import { type Arrivals, startArrivals } from './arrivals.js';
import { nextOrder } from './orders.js';
import { createSwiftClient, type SwiftClient } from './swift-client.js';

export interface Stall {
  readonly arrivals: Arrivals;
  readonly answers: SwiftClient['answers'];
  /** Epoch milliseconds. */
  readonly stalledAt: number;
  readonly resumedAt: number;
}

export interface StallOptions {
  readonly signaturesPerSecond: number;
  readonly ordersPerSecond: number;
  readonly waitMs: number;
  /** How long each phase lasts. */
  readonly calm: (arrivals: Arrivals) => Promise<unknown>;
  readonly stalled: (arrivals: Arrivals) => Promise<unknown>;
  readonly after: (arrivals: Arrivals, resumedAt: number) => Promise<unknown>;
}

/** Every token stands still for a while, under steady load, and goes on. Nobody touches anything. */
export async function runStall(system: System, options: StallOptions): Promise<Stall> {
  const { signaturesPerSecond, ordersPerSecond, waitMs, calm, stalled, after } = options;
  const client = createSwiftClient(system);
  const prefer = `wait=${waitMs / 1000}`;
  const arrivals = startArrivals(ordersPerSecond, () => client.post(nextOrder({ prefer })));
  try {
    await calm(arrivals);
    const stalledAt = Date.now();
    system.pacer?.setRate(0);
    await stalled(arrivals);
    const resumedAt = Date.now();
    system.pacer?.setRate(signaturesPerSecond);
    await after(arrivals, resumedAt);
    return { arrivals, answers: client.answers, stalledAt, resumedAt };
  } finally {
    system.pacer?.setRate(signaturesPerSecond);
    await arrivals.stop();
    await client.close();
  }
}
