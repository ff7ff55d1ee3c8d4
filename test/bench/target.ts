import { Pool } from 'undici';

/** One request, ready to be sent. */
export interface LoadRequest {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Where load goes, and which answers count. */
export interface Target {
  /** "http://127.0.0.1:PORT" */
  readonly origin: string;
  readonly next: () => LoadRequest;
  readonly accepts: (status: number, body: string) => boolean;
}

export interface Sender {
  /** `accepted`, a status, or the name of an error. */
  send(): Promise<string>;
  close(): Promise<void>;
}

/** Never rejects: a failure is an outcome to be counted. */
export function createSender({ origin, next, accepts }: Target, connections: number): Sender {
  const pool = new Pool(origin, { connections, pipelining: 1 });
  return {
    async send() {
      const { path, headers, body } = next();
      try {
        const response = await pool.request({ method: 'POST', path, headers, body });
        const text = await response.body.text();
        return accepts(response.statusCode, text) ? 'accepted' : String(response.statusCode);
      } catch (thrown) {
        return thrown instanceof Error ? thrown.name : 'error';
      }
    },
    close: () => pool.close(),
  };
}

/** Counts by outcome. */
export function addFailure(failures: Record<string, number>, outcome: string, count = 1): void {
  failures[outcome] = (failures[outcome] ?? 0) + count;
}
