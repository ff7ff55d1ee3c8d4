import { setTimeout as wait } from 'node:timers/promises';
import { createLatency, type Latency } from './latency.js';
import { addFailure, createSender, type Target } from './target.js';

export interface OpenResult {
  /** Arrivals per second that were planned. */
  readonly plannedPerSecond: number;
  readonly seconds: number;
  readonly sent: number;
  readonly acceptedPerSecond: number;
  /** From the intended sending of each request to its answer. */
  readonly latency: Latency;
  /** How late the generator itself was; part of the latencies, and to be small beside them. */
  readonly generatorLate: Latency;
  readonly failures: Readonly<Record<string, number>>;
}

/** What has no answer by then counts as `unanswered`. */
const patienceMs = 15_000;
const connectionsMax = 512;

/**
 * Open loop: request i is due at i / rate, whatever became of the others, as from clients that do not know of each
 * other. Latency counts from when it was due, so that a stall is felt by everybody who would have come meanwhile (no
 * coordinated omission).
 */
export async function runOpenLoop(target: Target, plannedPerSecond: number, seconds: number): Promise<OpenResult> {
  const sender = createSender(target, connectionsMax);
  const latency = createLatency();
  const late = createLatency();
  const failures: Record<string, number> = {};
  const total = Math.max(1, Math.round(plannedPerSecond * seconds));
  const beganAtMs = performance.now();
  const dueAtMs = (index: number): number => beganAtMs + (index * 1000) / plannedPerSecond;
  let open = 0;

  async function one(index: number): Promise<void> {
    open += 1;
    late.add(performance.now() - dueAtMs(index));
    const outcome = await sender.send();
    open -= 1;
    if (outcome === 'accepted') latency.add(performance.now() - dueAtMs(index));
    else addFailure(failures, outcome);
  }

  for (let index = 0; index < total; ) {
    while (index < total && dueAtMs(index) <= performance.now()) void one(index++);
    await wait(1);
  }
  const giveUpAtMs = performance.now() + patienceMs;
  while (open > 0 && performance.now() < giveUpAtMs) await wait(5);
  if (open > 0) addFailure(failures, 'unanswered', open);
  else await sender.close();
  const read = latency.read();
  return {
    plannedPerSecond,
    seconds,
    sent: total,
    acceptedPerSecond: read.count / seconds,
    latency: read,
    generatorLate: late.read(),
    failures,
  };
}
