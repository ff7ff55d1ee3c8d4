import { SluiceError } from '@sluice/errors';
import type { LaneCount, Load } from '@sluice/issuance';
import { assertDurable, type Database, type Statement } from './database.js';
import { only } from './only.js';
import type { Caller, LaneLoad } from './types.js';

const enrolStatement: Statement = { name: 'enrol', text: 'select incarnation from registry.enrol($1, $2)' };
const renewStatement: Statement = { name: 'renew', text: 'select registry.renew($1, $2, $3, $4) as now' };
const loadsStatement: Statement = { name: 'lane_loads', text: 'select * from ledger.lane_loads()' };
const loadStatement: Statement = { name: 'read_load', text: 'select * from ledger.read_load()' };

/** A new incarnation with a lease of 30 s; whoever bore the name before is fenced by it. Refuses a database that may lose commits. */
export async function enrol(database: Database, name: string, appliedEpoch = 0n): Promise<Caller> {
  await assertDurable(database);
  const [row] = await database.call<{ incarnation: bigint }>(enrolStatement, [name, appliedEpoch]);
  if (row === undefined) throw new SluiceError('internal');
  return { name, incarnation: row.incarnation };
}

/**
 * Lengthens the lease to 30 s from now and keeps what the process says of itself. Returns the ledger's clock.
 * `fenced`: enrol anew.
 */
export async function renew(
  database: Database,
  caller: Caller,
  appliedEpoch: bigint,
  report: object | undefined,
): Promise<Date> {
  const reported = report === undefined ? null : JSON.stringify(report);
  const [row] = await database.call<{ now: Date }>(renewStatement, [
    caller.name,
    caller.incarnation,
    appliedEpoch,
    reported,
  ]);
  if (row === undefined) throw new SluiceError('internal');
  return row.now;
}

interface LaneLoadRow {
  class: LaneLoad['class'];
  key_group: string;
  queued: bigint;
  claimable: bigint;
  signing: bigint;
  oldest_age_ms: bigint;
}

export async function laneLoads(database: Database): Promise<LaneLoad[]> {
  const rows = await database.call<LaneLoadRow>(loadsStatement, []);
  return rows.map((row) => ({
    class: row.class,
    keyGroup: row.key_group,
    queued: Number(row.queued),
    claimable: Number(row.claimable),
    signing: Number(row.signing),
    oldestAgeMs: Number(row.oldest_age_ms),
  }));
}

interface LoadRow {
  age_ms: bigint;
  front_ends: bigint;
  capacities: Record<string, number | null>;
  lanes: (Omit<LaneCount, 'largest'> & { largest: [account: string, ca: string, open: number, ahead: number][] })[];
}

export async function readLoad(database: Database): Promise<Load> {
  const row = await only<LoadRow>(database, loadStatement, []);
  return {
    ageMs: Number(row.age_ms),
    frontEnds: Number(row.front_ends),
    capacities: row.capacities,
    lanes: row.lanes.map((lane) => ({
      ...lane,
      largest: lane.largest.map(([account, ca, open, ahead]) => ({ account, ca, open, ahead })),
    })),
  };
}
