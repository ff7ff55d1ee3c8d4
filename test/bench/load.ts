import { Pool } from 'undici';

/** One request, ready to be sent. */
export interface LoadRequest {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface LoadResult {
  readonly clients: number;
  readonly seconds: number;
  /** Answers that `accepts` took, by second of wall clock. */
  readonly ratePerSecond: number;
  readonly answered: number;
  /** Everything else, by status or error code. */
  readonly failures: Readonly<Record<string, number>>;
  /** Milliseconds, over all accepted answers. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface LoadOptions {
  /** "http://127.0.0.1:PORT" */
  readonly origin: string;
  readonly clients: number;
  readonly seconds: number;
  readonly next: () => LoadRequest;
  readonly accepts: (status: number, body: string) => boolean;
}

/**
 * Closed loop: each client sends its next request when it has the answer to the last. Good for throughput; its
 * latencies are those of a client that waits its turn, so only the idle row quotes them.
 */
export async function runClosedLoop(options: LoadOptions): Promise<LoadResult> {
  const pool = new Pool(options.origin, { connections: options.clients, pipelining: 1 });
  const latenciesMs: number[] = [];
  const failures: Record<string, number> = {};
  const startedAtMs = performance.now();
  const endAtMs = startedAtMs + options.seconds * 1000;

  async function client(): Promise<void> {
    while (performance.now() < endAtMs) {
      const { path, headers, body } = options.next();
      const sentAtMs = performance.now();
      let outcome: string;
      try {
        const response = await pool.request({ method: 'POST', path, headers, body });
        const text = await response.body.text();
        outcome = options.accepts(response.statusCode, text) ? 'accepted' : String(response.statusCode);
      } catch (thrown) {
        outcome = thrown instanceof Error ? thrown.name : 'error';
      }
      if (outcome === 'accepted') latenciesMs.push(performance.now() - sentAtMs);
      else failures[outcome] = (failures[outcome] ?? 0) + 1;
    }
  }

  await Promise.all(Array.from({ length: options.clients }, client));
  const seconds = (performance.now() - startedAtMs) / 1000;
  await pool.close();
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number): number =>
    latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * share))] ?? Number.NaN;
  return {
    clients: options.clients,
    seconds,
    ratePerSecond: latenciesMs.length / seconds,
    answered: latenciesMs.length,
    failures,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
