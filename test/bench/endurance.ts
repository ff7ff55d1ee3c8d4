import type { System } from '@sluice/testkit';
import { Client } from 'pg';
import { type ClosedResult, runClosedLoop } from './closed-loop.js';
import { postgresCpuMs } from './cpu.js';
import { memoryOf, type ProcessMemory } from './memory.js';
import { type TableSize, tableSizes } from './table-sizes.js';
import type { Target } from './target.js';

export interface Minute {
  readonly minute: number;
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of PostgreSQL per certificate: shows what grows, whoever else uses the machine. */
  readonly postgresCpuMsEach: number;
  /** A transaction was open all through this minute. */
  readonly openTransaction: boolean;
  /** At its end. */
  readonly tables: readonly TableSize[];
  readonly memory: readonly ProcessMemory[];
  readonly failures: ClosedResult['failures'];
}

export interface Endurance {
  readonly clients: number;
  readonly before: readonly TableSize[];
  readonly minutes: readonly Minute[];
}

/**
 * Full rate for so many minutes; from the end of the first third to the end of the second a transaction stays open, so
 * that vacuum can take nothing away. After each minute: rate, sizes, dead rows, vacuums, memory.
 */
export async function runEndurance(
  system: System,
  target: Target,
  options: { clients: number; minutes: number; secondsPerMinute: number; tell: (minute: Minute) => void },
): Promise<Endurance> {
  const { clients, minutes, secondsPerMinute, tell } = options;
  const watcher = new Client({ connectionString: system.adminUrl });
  const holder = new Client({ connectionString: system.adminUrl });
  await Promise.all([watcher.connect(), holder.connect()]);
  const from = Math.floor(minutes / 3);
  const to = Math.floor((minutes * 2) / 3);
  const all: Minute[] = [];
  try {
    const before = await tableSizes(watcher);
    for (let minute = 1; minute <= minutes; minute += 1) {
      const openTransaction = minute > from && minute <= to;
      if (openTransaction && minute === from + 1) await openIt(holder);
      const usedMs = postgresCpuMs(system);
      const { ratePerSecond, latency, failures } = await runClosedLoop(target, clients, secondsPerMinute);
      const [tables, memory] = await Promise.all([tableSizes(watcher), memoryOf(system)]);
      const { p50Ms, p99Ms, count } = latency;
      const postgresCpuMsEach = (postgresCpuMs(system) - usedMs) / Math.max(1, count);
      const measured = { minute, ratePerSecond, p50Ms, p99Ms, postgresCpuMsEach, openTransaction };
      const row: Minute = { ...measured, tables, memory, failures };
      all.push(row);
      tell(row);
      if (minute === to) await holder.query('rollback');
    }
    return { clients, before, minutes: all };
  } finally {
    await Promise.all([watcher.end(), holder.end()]);
  }
}

/** Its snapshot is taken by the first statement; nothing that ends after it can be cleaned away. */
async function openIt(holder: Client): Promise<void> {
  await holder.query('begin isolation level repeatable read');
  await holder.query('select count(*) from ledger.work');
}
