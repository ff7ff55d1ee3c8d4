import { type FaultKind, faults } from './faults.js';
import { choose, seededRandom } from './seeded-random.js';

/** How long things take: `npm test` and most mixtures are short; `full` are the times of real life. */
export interface Times {
  readonly leaseMs: number;
  readonly lastsMinMs: number;
  readonly lastsMaxMs: number;
}
export const shortTimes: Times = { leaseMs: 2000, lastsMinMs: 200, lastsMaxMs: 3000 };
export const fullTimes: Times = { leaseMs: 10_000, lastsMinMs: 5000, lastsMaxMs: 60_000 };

export interface PlannedFault {
  readonly kind: FaultKind;
  /** From the beginning of the mixture. */
  readonly beginsMs: number;
  readonly lastsMs: number;
  /** Decides whatever the fault has to choose. */
  readonly seed: number;
}

/** What one seed does: two to four faults that overlap, no two of them to the same thing. */
export function planMixture(seed: number, times: Times): readonly PlannedFault[] {
  const random = seededRandom(seed);
  const count = 2 + Math.floor(random() * 3);
  const kinds = Object.keys(faults) as FaultKind[];
  const planned: PlannedFault[] = [];
  while (planned.length < count) {
    const kind = choose(random, kinds);
    const touched: readonly string[] = planned.flatMap((other) => faults[other.kind].touches);
    if (faults[kind].touches.some((thing) => touched.includes(thing))) continue;
    planned.push({
      kind,
      beginsMs: Math.round(random() * 1500),
      lastsMs: Math.round(times.lastsMinMs + random() * (times.lastsMaxMs - times.lastsMinMs)),
      seed: Math.floor(random() * 2 ** 32),
    });
  }
  return planned;
}
