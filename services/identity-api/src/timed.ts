import type { Front } from './front.js';
import type { Step } from './front-metrics.js';

/** Counts how long this step took, however it ended. */
export async function timed<T>(front: Front, step: Step, work: Promise<T>): Promise<T> {
  const startedAtMs = front.clock.monotonicMs();
  try {
    return await work;
  } finally {
    front.metrics.step(step, front.clock.monotonicMs() - startedAtMs);
  }
}
