import { createLatency, type Latency } from './latency.js';
import { addFailure, createSender, type Target } from './target.js';

export interface ClosedResult {
  readonly clients: number;
  readonly seconds: number;
  readonly ratePerSecond: number;
  readonly latency: Latency;
  /** What was not accepted, by status or error. */
  readonly failures: Readonly<Record<string, number>>;
}

/**
 * Closed loop: each client sends its next request when it has the answer to the last. Good for throughput; its
 * latencies are those of clients that slow down with the server, so only the row with one client speaks of them.
 */
export async function runClosedLoop(target: Target, clients: number, seconds: number): Promise<ClosedResult> {
  const sender = createSender(target, clients);
  const latency = createLatency();
  const failures: Record<string, number> = {};
  const beganAtMs = performance.now();
  const endAtMs = beganAtMs + seconds * 1000;

  async function client(): Promise<void> {
    while (performance.now() < endAtMs) {
      const sentAtMs = performance.now();
      const outcome = await sender.send();
      if (outcome === 'accepted') latency.add(performance.now() - sentAtMs);
      else addFailure(failures, outcome);
    }
  }

  await Promise.all(Array.from({ length: clients }, client));
  const took = (performance.now() - beganAtMs) / 1000;
  await sender.close();
  const read = latency.read();
  return { clients, seconds: took, ratePerSecond: read.count / took, latency: read, failures };
}
