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
  readonly idle: readonly IdleRow[];
}

const rounds = 5;
const restarts = 3;
/** Two heartbeats, and each lease renewed once. */
const idleSeconds = 10;

/**
 * How long a `ca disable` takes until everyone has applied it; what subscribers cost while nothing changes; how long it
 * takes them to be back after the registry was restarted. `counts`: subscribers, growing; the first ones are the
 * system's own front ends and signers, the others live in at most one process more for each count. A CA of the system
 * is disabled and enabled again, so nothing else may be measured beside it.
 */
export async function measurePush(
  system: System,
  counts: readonly number[],
  tell: (line: string) => void,
): Promise<PushResult> {
  const own = system.frontEnds.length + system.signers.length;
  const subscribers = createSubscribers(system);
  const push = await createPushRounds(system);
  const rows: PushRow[] = [];
  const idle: IdleRow[] = [];
  try {
    for (const count of counts) {
      tell(`push to ${count} subscribers`);
      if (count > own + subscribers.count) await subscribers.add(count - own - subscribers.count);
      await push.disable(count); // warm
      await push.enable(count);
      const times: PushTimes[] = [];
      for (let round = 0; round < rounds; round += 1) {
        times.push(await push.disable(count));
        await push.enable(count);
      }
      rows.push(rowOf('ca disable', count, times));
      idle.push(await measureIdle(system, subscribers, count));
    }
    const all = own + subscribers.count;
    rows.push(rowOf('the registry restarted, and ca disable at once', all, await restartedTimes(system, push, all)));
    return { rows, idle };
  } finally {
    await Promise.all([push.close(), subscribers.stop()]);
  }
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
