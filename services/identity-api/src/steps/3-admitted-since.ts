/** What an order would take a place in. */
export interface Placed {
  readonly lane: string;
  readonly flow: string;
  readonly account: string;
  /** It keeps nobody in the lane waiting. */
  readonly held: boolean;
}

/** What this front end admitted and no count of the ledger has seen yet. */
export interface AdmittedSince {
  /** On its way to its commit. */
  begin(placed: Placed, flowIsNew: boolean): void;
  /** It is stored, or may be: the next count sees it. */
  stored(placed: Placed): void;
  /** It was not stored. */
  giveBack(placed: Placed): void;
  of(kind: 'lane' | 'flow' | 'account', name: string): number;
  /** Flows of that lane that were new when they were admitted. */
  newFlows(lane: string): number;
  /** What is stored from now on is counted apart. */
  nextPeriod(nowMs: number): void;
  /** Forgets what a count made at that moment has seen. */
  forget(countedAtMs: number): void;
}

type Counts = Record<'lane' | 'flow' | 'account' | 'newFlows', Map<string, number>>;
interface Period extends Counts {
  readonly fromMs: number;
}

const newCounts = (): Counts => ({ lane: new Map(), flow: new Map(), account: new Map(), newFlows: new Map() });

function add(counts: Map<string, number>, name: string, count: number): void {
  const sum = (counts.get(name) ?? 0) + count;
  if (sum === 0) counts.delete(name);
  else counts.set(name, sum);
}

function addAll(counts: Counts, placed: Placed, count: number): void {
  if (!placed.held) add(counts.lane, placed.lane, count);
  add(counts.flow, placed.flow, count);
  add(counts.account, placed.account, count);
}

/** `nowMs`: monotonic milliseconds, as everywhere here. */
export function createAdmittedSince(nowMs: number): AdmittedSince {
  const underWay = newCounts();
  let current: Period = { fromMs: nowMs, ...newCounts() };
  let periods: readonly Period[] = [current];

  function sum(kind: keyof Counts, name: string): number {
    let count = underWay[kind].get(name) ?? 0;
    for (const period of periods) count += period[kind].get(name) ?? 0;
    return count;
  }

  return {
    begin(placed, flowIsNew) {
      if (flowIsNew) add(current.newFlows, placed.lane, 1);
      addAll(underWay, placed, 1);
    },
    stored(placed) {
      addAll(underWay, placed, -1);
      addAll(current, placed, 1);
    },
    giveBack: (placed) => addAll(underWay, placed, -1),
    of: sum,
    newFlows: (lane) => sum('newFlows', lane),
    nextPeriod(fromMs) {
      current = { fromMs, ...newCounts() };
      periods = [...periods, current];
    },
    forget(countedAtMs) {
      // A period ends where the next one begins; the current one has not ended.
      periods = periods.filter((_, index) => (periods[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY) > countedAtMs);
    },
  };
}
