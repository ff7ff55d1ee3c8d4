import { setTimeout as wait } from 'node:timers/promises';
import type { System } from '@sluice/testkit';
import { cpuMs, postgresCpuMs } from './cpu.js';
import { median } from './median.js';
import { memoryOfService, type ProcessMemory } from './memory.js';
import { createPushRounds, type PushRounds, type PushTimes } from './push-round.js';
import { createSubscribers, type Subscribers } from './subscribers.js';

/** Median and worst of so many rounds, in milliseconds. */
export interface PushRow {
  readonly what: string;
  readonly subscribers: number;
  readonly rounds: number;
  readonly applied: { readonly medianMs: number; readonly maxMs: number };
  readonly confirmed: { readonly medianMs: number; readonly maxMs: number };
}

/** While nothing changes: CPU milliseconds per second, by part. */
export interface IdleRow {
  readonly subscribers: number;
  readonly cpuMsPerSecond: Readonly<Record<string, number>>;
  readonly registryMemory: ProcessMemory;
}

export interface PushResult {
  readonly rows: readonly PushRow[];
  /** Of the fewest and of the most, when so many were asked for. */
  readonly idle: readonly IdleRow[];
}

const few = [2, 20];
const rounds = 5;
const restarts = 3;
/** Two heartbeats, and each lease renewed once. */
const idleSeconds = 10;

/**
 * How long a `ca disable` takes until everyone has applied it. With `most` above 0 also with so many subscribers, what
 * they cost while nothing changes, and how long it takes them to be back after the registry was restarted. The first
 * subscribers are the system's own front ends and signers, the others live in a few processes more. A CA of the system
 * is disabled and enabled again, so nothing else may be measured beside it.
 */
export async function measurePush(system: System, most: number, tell: (line: string) => void): Promise<PushResult> {
  const own = system.frontEnds.length + system.signers.length;
  const counts = most === 0 ? few : [...few.filter((count) => count < most), Math.max(own, most)];
  const subscribers = createSubscribers(system);
  const push = await createPushRounds(system);
  const rows: PushRow[] = [];
  const idle: IdleRow[] = [];
  try {
    for (const count of counts) {
      tell(`push to ${count} subscribers`);
      if (count > own + subscribers.count) await subscribers.add(count - own - subscribers.count);
      rows.push(rowOf('ca disable', count, await disableTimes(push, count)));
      if (most > 0 && (count === counts[0] || count === counts.at(-1)))
        idle.push(await measureIdle(system, subscribers, count));
    }
    if (most > 0) {
      tell('the registry restarted');
      const all = own + subscribers.count;
      rows.push(rowOf('the registry restarted, and ca disable at once', all, await restartedTimes(system, push, all)));
    }
    return { rows, idle };
  } finally {
    await Promise.all([push.close(), subscribers.stop()]);
  }
}

async function disableTimes(push: PushRounds, subscribers: number): Promise<PushTimes[]> {
  const times: PushTimes[] = [];
  // The first is for compiled code, connections, plans.
  for (let round = 0; round <= rounds; round += 1) {
    times.push(await push.disable(subscribers));
    await push.enable(subscribers);
  }
  return times.slice(1);
}

/** Counted from when the registry listens again. */
async function restartedTimes({ registry }: System, push: PushRounds, subscribers: number): Promise<PushTimes[]> {
  const times: PushTimes[] = [];
  for (let round = 0; round < restarts; round += 1) {
    await registry.process.terminate();
    await registry.start();
    times.push(await push.disable(subscribers, await push.nowMs()));
    await push.enable(subscribers);
  }
  return times;
}

async function measureIdle(system: System, others: Subscribers, subscribers: number): Promise<IdleRow> {
  const used = (): Record<string, number> => ({
    registry: cpuMs(system.registry.process.pid) ?? Number.NaN,
    PostgreSQL: postgresCpuMs(system),
    subscribers: others.cpuMs(),
  });
  const before = used();
  await wait(idleSeconds * 1000);
  const after = Object.entries(used());
  return {
    subscribers,
    cpuMsPerSecond: Object.fromEntries(after.map(([part, ms]) => [part, (ms - (before[part] ?? 0)) / idleSeconds])),
    registryMemory: await memoryOfService(system.registry),
  };
}

function rowOf(what: string, subscribers: number, times: readonly PushTimes[]): PushRow {
  const of = (all: readonly number[]) => ({ medianMs: median(all), maxMs: Math.max(...all) });
  return {
    ...{ what, subscribers, rounds: times.length },
    applied: of(times.map(({ appliedMs }) => appliedMs)),
    confirmed: of(times.map(({ confirmedMs }) => confirmedMs)),
  };
}
