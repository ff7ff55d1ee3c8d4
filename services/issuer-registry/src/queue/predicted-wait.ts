import { type LaneCount, type Load, laneName, laneTable, predictedWaitS } from '@sluice/issuance';
import type { QueueReading, QueueRow } from '@sluice/ledger';

const nothingSince = { lane: 0, flow: 0, newFlows: 0, seconds: 0 };

/** What takes a turn before new work: neither what is held nor what is shelved does. */
const aheadOf = ({ queued, held, signing }: QueueRow): number => queued - held + signing;

/** The reading as admission would have it: what is open for a CA is one flow. */
function loadOf({ rows, capacities }: QueueReading): Load {
  const lanes = new Map<string, LaneCount>();
  for (const row of rows) {
    const { class: requestClass, keyGroup, queued, held, signing } = row;
    const before = lanes.get(laneName(row)) ?? { queued: 0, claimable: 0, signing: 0, flows: 0 };
    lanes.set(laneName(row), {
      class: requestClass,
      keyGroup,
      queued: before.queued + queued,
      claimable: before.claimable + queued - held,
      signing: before.signing + signing,
      flows: before.flows + (aheadOf(row) > 0 ? 1 : 0),
      largest: [],
    });
  }
  return { ageMs: 0, frontEnds: 1, capacities, lanes: [...lanes.values()] };
}

/**
 * Milliseconds until work that is accepted now for this row's class and CA has its turn, by the same reckoning as
 * admission's. 0: the lane is empty. Null: nobody knows the capacity, or nothing is signed.
 */
export function predictedWaitMs(reading: QueueReading): (row: QueueRow) => number | null {
  const load = loadOf(reading);
  return (row) => {
    const table = laneTable(load, row);
    if (table.ahead === 0) return 0;
    if (table.perSecond === undefined || table.perSecond === 0) return null;
    const ahead = aheadOf(row);
    return Math.round(predictedWaitS(table, { open: ahead, ahead, listed: ahead > 0 }, nothingSince) * 1000);
  };
}
