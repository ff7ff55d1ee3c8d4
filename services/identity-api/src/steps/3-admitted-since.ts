/** What an order would take a place in. */
export interface Placed {
  readonly lane: string;
  readonly flow: string;
  readonly account: string;
  /** It keeps nobody in the lane waiting. */
  readonly held: boolean;
  /** Nothing of its flow was open or admitted before. */
  readonly newFlow: boolean;
}

/** What this front end admitted and no count of the ledger has seen yet. */
export interface AdmittedSince {
  /** On its way to its commit. */
  begin(placed: Placed): void;
  /** It is stored, or may be: the next count sees it. */
  stored(placed: Placed): void;
  /** It was not stored. */
  giveBack(placed: Placed): void;
  /** `newFlows`, by lane: flows that were new when they were admitted. */
  of(kind: Kind, name: string): number;
  /** What is stored from now on is counted apart. */
  nextPeriod(nowMs: number): void;
  /** Forgets what a count made at that moment has seen. */
  forget(countedAtMs: number): void;
}

type Kind = 'lane' | 'flow' | 'account' | 'newFlows';
type Counts = Record<Kind, Map<string, number>>;
interface Period extends Counts {
  readonly fromMs: number;
}

/** Counts are at most 30 s old (`ledger.counted_lanes`), and one is read a second: what is older need not be told apart. */
const periodsMax = 60;

const newCounts = (): Counts => ({ lane: new Map(), flow: new Map(), account: new Map(), newFlows: new Map() });

function add(counts: Map<string, number>, name: string, count: number): void {
  const sum = (counts.get(name) ?? 0) + count;
  if (sum === 0) counts.delete(name);
  else counts.set(name, sum);
}

function addAll(counts: Counts, placed: Placed, count: number): void {
  if (!placed.held) add(counts.lane, placed.lane, count);
  if (placed.newFlow && !placed.held) add(counts.newFlows, placed.lane, count);
  add(counts.flow, placed.flow, count);
  add(counts.account, placed.account, count);
}

/** While no count comes, the oldest two become one: both stay counted, and neither is kept apart for ever. */
function withoutOldest(periods: readonly Period[]): readonly Period[] {
  const [oldest, next, ...others] = periods;
  if (periods.length < periodsMax || oldest === undefined || next === undefined) return periods;
  for (const kind of ['lane', 'flow', 'account', 'newFlows'] as const)
    for (const [name, count] of oldest[kind]) add(next[kind], name, count);
  return [next, ...others];
}

/** `nowMs`: monotonic milliseconds, as everywhere here. */
export function createAdmittedSince(nowMs: number): AdmittedSince {
  const underWay = newCounts();
  let current: Period = { fromMs: nowMs, ...newCounts() };
  let periods: readonly Period[] = [current];

  function sum(kind: Kind, name: string): number {
    let count = underWay[kind].get(name) ?? 0;
    for (const period of periods) count += period[kind].get(name) ?? 0;
    return count;
  }

  return {
    begin: (placed) => addAll(underWay, placed, 1),
    stored(placed) {
      addAll(underWay, placed, -1);
      addAll(current, placed, 1);
    },
    giveBack: (placed) => addAll(underWay, placed, -1),
    of: sum,
    nextPeriod(fromMs) {
      current = { fromMs, ...newCounts() };
      periods = [...withoutOldest(periods), current];
    },
    forget(countedAtMs) {
      // A period ends where the next one begins; the current one has not ended.
      periods = periods.filter((_, index) => (periods[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY) > countedAtMs);
    },
  };
}
