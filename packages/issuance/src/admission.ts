import { type Lane, laneName, requestClasses, signingShares } from './lane.js';

// Would it be signed in time? Pure arithmetic on what was counted last: nothing here waits, reads or keeps anything.

/** What is open of one flow (account, CA) in a lane. */
export interface FlowLoad {
  readonly account: string;
  readonly ca: string;
  /** Queued and being signed. */
  readonly open: number;
  /** Of these, what takes a turn before new work: neither held nor quarantined nor overdue. */
  readonly ahead: number;
}

/** What is open in a lane. */
export interface LaneCount extends Lane {
  readonly queued: number;
  readonly claimable: number;
  readonly signing: number;
  /** Flows with something ahead in them. */
  readonly flows: number;
  /** The largest by `open`, descending; all of them while they are fewer than `flowsListed`. */
  readonly largest: readonly FlowLoad[];
}

/** A lane's largest flows are counted one by one, so many of them. */
export const flowsListed = 100;

/** What is open, and what there is to sign it with, over all processes together. */
export interface Load {
  /** Milliseconds since the lanes were counted. */
  readonly ageMs: number;
  /** Living front ends. */
  readonly frontEnds: number;
  /** Signatures per second, by key group. `null` or absent: nobody knows yet. 0: its signers are silent, or hang. */
  readonly capacities: Readonly<Record<string, number | null>>;
  readonly lanes: readonly LaneCount[];
}

/** One lane of a count, prepared for many orders. */
export interface LaneTable {
  /** Signatures per second that its class gets at least; `undefined`: nobody knows. */
  readonly perSecond: number | undefined;
  /** Queued and being signed, without what is held: that keeps nobody waiting. */
  readonly ahead: number;
  readonly flows: number;
  /** What is open of that flow; of one that is not listed, nothing that is known, and the most that can be ahead. */
  flow(account: string, ca: string): FlowCount;
}

export interface FlowCount {
  readonly open: number;
  readonly ahead: number;
  readonly listed: boolean;
}

/** What came after the count, at all front ends together, as far as one of them can tell. */
export interface Since {
  /** Admitted into the lane. */
  readonly lane: number;
  /** Admitted into the flow. */
  readonly flow: number;
  /** Flows that were not listed, and had something admitted. */
  readonly newFlows: number;
  /** For so long the signers have gone on. */
  readonly seconds: number;
}

/** The capacity that is left to a class while every class that has claimable work takes its share. */
export function classPerSecond(load: Load, lane: Lane): number | undefined {
  const perSecond = load.capacities[lane.keyGroup] ?? undefined;
  if (perSecond === undefined) return undefined;
  const wanting = new Set(
    load.lanes.filter(({ keyGroup, claimable }) => keyGroup === lane.keyGroup && claimable > 0).map((one) => one.class),
  );
  wanting.add(lane.class);
  const shares = requestClasses.reduce((sum, one) => (wanting.has(one) ? sum + signingShares[one] : sum), 0);
  return (perSecond * signingShares[lane.class]) / shares;
}

/** That lane as it was counted; an empty one when nothing was open in it. */
export function laneTable(load: Load, lane: Lane): LaneTable {
  const name = laneName(lane);
  const counted = load.lanes.find((one) => laneName(one) === name);
  const largest = counted?.largest ?? [];
  const listed = new Map<string, FlowCount>();
  for (const { account, ca, open, ahead } of largest) listed.set(flowName(account, ca), { open, ahead, listed: true });
  const smallest = largest.length < flowsListed ? 0 : (largest.at(-1)?.open ?? 0);
  const unlisted: FlowCount = { open: 0, ahead: smallest, listed: false };
  return {
    perSecond: classPerSecond(load, lane),
    ahead: counted === undefined ? 0 : counted.claimable + counted.signing,
    flows: counted?.flows ?? 0,
    flow: (account, ca) => listed.get(flowName(account, ca)) ?? unlisted,
  };
}

/** One text per flow. */
export function flowName(account: string, ca: string): string {
  return `${account} ${ca}`;
}

/** What of that has not been signed meanwhile. */
export function leftOf(counted: number, admitted: number, { perSecond }: LaneTable, seconds: number): number {
  return Math.max(0, counted + admitted - (perSecond ?? 0) * seconds);
}

/**
 * Seconds until new work of that flow has its turn; 0 while nobody knows the capacity. The flows take turns: before it
 * comes what its flow has ahead of it, as much of every other flow, and one more of each; at most all that is open.
 */
export function predictedWaitS(table: LaneTable, flow: FlowCount, since: Since): number {
  if (table.perSecond === undefined) return 0;
  const ofLane = leftOf(table.ahead, since.lane, table, since.seconds);
  if (ofLane === 0) return 0;
  const others = table.flows + since.newFlows - (flow.listed && flow.ahead > 0 ? 1 : 0);
  const ofFlow = leftOf(flow.ahead, since.flow, table, since.seconds / (others + 1));
  return Math.min(ofLane, ofFlow * (others + 1) + others) / table.perSecond;
}

/** So much of the time that is left may be spent waiting for a turn: counts are old, and signing and storing take theirs. */
export const waitShareMax = 0.6;

/** What a capacity measured over seconds says nothing about. */
const longWaitMs = 60_000;

/**
 * Seconds until it would fit: 0 when it does. An empty lane takes whatever comes; and work that has longer than a minute
 * is not refused because nothing is signed just now.
 */
export function fitsInS(table: LaneTable, waitS: number, waitMs: number): number {
  if (table.perSecond === 0 && waitMs > longWaitMs) return 0;
  return Math.max(0, waitS - (waitMs / 1000) * waitShareMax);
}
