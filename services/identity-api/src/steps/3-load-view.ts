import {
  type FlowCount,
  flowName,
  type Lane,
  type LaneTable,
  type Load,
  laneName,
  laneTable,
  leftOf,
  type Since,
} from '@sluice/issuance';
import { createAdmittedSince, type Placed } from './3-admitted-since.js';

/** An order that asks to be let in. */
export interface Ask extends Lane {
  readonly account: string;
  readonly ca: string;
  /** Of a quarantined CA: it takes no turn before anybody, and nobody can tell when its own comes. */
  readonly held: boolean;
  /** Milliseconds that are left to sign it in. */
  readonly waitMs: number;
}

/** A place among what is open: exactly one of the two is called, once. */
export interface Place {
  /** It is stored, or may be. */
  stored(): void;
  /** It was not stored after all. */
  giveBack(): void;
}

/** An order, and what is known of where it would go. */
export interface Case {
  readonly ask: Ask;
  readonly placed: Placed;
  readonly table: LaneTable;
  readonly since: Since;
  readonly openOfAccount: number;
  readonly openOfFlow: number;
}

/** For people: as of now. */
export interface Forecast {
  /** Seconds until new work of a lane that is not empty has its turn, at most an hour. */
  readonly waitS: ReadonlyMap<string, number>;
  /** Signatures per second, by key group, where they are known. */
  readonly perSecond: ReadonlyMap<string, number>;
}

/**
 * What is open, as one front end sees it: one count a second for all front ends together, and in between what this one
 * admitted, which stands for what each of them did.
 */
export interface LoadView {
  /** Reads the count. Throws what the ledger throws, and stays as it was. */
  sample(): Promise<void>;
  look(ask: Ask): Case;
  /** This one counts as open from now on. */
  take(one: Case): Place;
  /** Living front ends, this one among them. */
  frontEnds(): number;
  /** Milliseconds since the count was last read; `undefined` before the first time. */
  sampleAgeMs(): number | undefined;
  forecast(): Forecast;
}

type Open = Pick<FlowCount, 'open' | 'ahead'>;
const nothingOpen: Open = { open: 0, ahead: 0 };
const nothingKnown: Load = { ageMs: 0, frontEnds: 1, capacities: {}, lanes: [] };
/** A count older than that does not tell what the signers did since. */
const countAgeMaxS = 10;
const forecastMaxS = 3600;

export function createLoadView(readLoad: () => Promise<Load>, monotonicMs: () => number): LoadView {
  let load = nothingKnown;
  let tables = new Map<string, LaneTable>();
  let openByAccount: ReadonlyMap<string, Open> = new Map();
  let countedAtMs = monotonicMs();
  let sampledAtMs: number | undefined;
  const admitted = createAdmittedSince(countedAtMs);

  const frontEnds = () => Math.max(1, load.frontEnds);
  const countAgeS = () => Math.min(countAgeMaxS, (monotonicMs() - countedAtMs) / 1000);

  function tableOf(name: string, lane: Lane): LaneTable {
    let table = tables.get(name);
    if (table === undefined) {
      table = laneTable(load, lane);
      tables.set(name, table);
    }
    return table;
  }

  return {
    async sample() {
      const askedAtMs = monotonicMs();
      admitted.nextPeriod(askedAtMs);
      load = await readLoad();
      countedAtMs = askedAtMs - load.ageMs;
      admitted.forget(countedAtMs);
      tables = new Map();
      openByAccount = accountsOf(load);
      sampledAtMs = monotonicMs();
    },
    look(ask) {
      const { account, ca } = ask;
      const lane = laneName(ask);
      const flow = `${lane} ${flowName(account, ca)}`;
      const table = tableOf(lane, ask);
      const all = frontEnds();
      const since: Since = {
        lane: admitted.of('lane', lane) * all,
        flow: admitted.of('flow', flow) * all,
        newFlows: admitted.of('newFlows', lane) * all,
        seconds: countAgeS(),
      };
      const signedS = ask.held ? 0 : since.seconds;
      const left = (counted: Open, more: number) => openLeft(counted, more, table, signedS);
      const openOfAccount = left(openByAccount.get(account) ?? nothingOpen, admitted.of('account', account) * all);
      const openOfFlow = left(table.flow(account, ca), since.flow);
      const newFlow = since.flow === 0 && !table.flow(account, ca).listed;
      return { ask, placed: { lane, flow, account, held: ask.held, newFlow }, table, since, openOfAccount, openOfFlow };
    },
    take({ placed }) {
      admitted.begin(placed);
      return { stored: () => admitted.stored(placed), giveBack: () => admitted.giveBack(placed) };
    },
    frontEnds,
    sampleAgeMs: () => (sampledAtMs === undefined ? undefined : monotonicMs() - sampledAtMs),
    forecast() {
      const waitS = new Map<string, number>();
      for (const lane of load.lanes) {
        const name = laneName(lane);
        const table = tableOf(name, lane);
        const ahead = leftOf(table.ahead, admitted.of('lane', name) * frontEnds(), table, countAgeS());
        if (table.perSecond !== undefined)
          waitS.set(name, ahead === 0 ? 0 : Math.min(forecastMaxS, ahead / table.perSecond));
      }
      const known = Object.entries(load.capacities).filter((entry): entry is [string, number] => entry[1] !== null);
      return { waitS, perSecond: new Map(known) };
    },
  };
}

/** Of an account's flows those count that are among the largest of their lane: the others are small. */
function accountsOf({ lanes }: Load): Map<string, Open> {
  const byAccount = new Map<string, Open>();
  for (const { account, open, ahead } of lanes.flatMap(({ largest }) => largest)) {
    const before = byAccount.get(account) ?? nothingOpen;
    byAccount.set(account, { open: before.open + open, ahead: before.ahead + ahead });
  }
  return byAccount;
}

/** Of what was counted only that can be gone which took turns: what is held is still there. */
function openLeft({ open, ahead }: Open, more: number, table: LaneTable, seconds: number): number {
  const inTurn = Math.min(open, ahead);
  return open - inTurn + leftOf(inTurn, more, table, seconds);
}
