import type { BreakerState } from '@sluice/breaker';
import type { Lane } from '@sluice/issuance';

export interface TurnRequest {
  readonly requestId: string;
  /** Account and CA, as `flowName` writes them; '' is not known. */
  readonly flow: string;
}

/** "A signer may take up to `count` requests of this lane." What it names is a hint; nothing in it is ever signed. */
export interface Turn {
  readonly lane: Lane;
  readonly count: number;
  readonly requests: readonly TurnRequest[];
  /** Milliseconds since the turn was added: a turn that waited is not calm, and the claim goes by policy. */
  readonly ageMs: number;
}

/** Adds turns. Fails fast while Redis is away: the sweeper and polling make up for lost turns, so callers only count the failure. */
export interface TurnProducer {
  add(lane: Lane, requests: readonly TurnRequest[]): Promise<void>;
  /** Adds `turns` turns of `count` without ids: the sweeper's repair. */
  addMissing(lane: Lane, turns: number, count: number): Promise<void>;
  /** Turns waiting or active, for the sweeper's comparison. */
  openTurns(lane: Lane): Promise<number>;
  close(): Promise<void>;
}

/** Takes turns of one lane. A handler that throws is logged; the turn is gone all the same (the ledger remembers the work). */
export interface TurnConsumer {
  start(): Promise<void>;
  /** No new turns; waits for running handlers until the deadline, then lets go. */
  stop(deadlineMs: number): Promise<void>;
}

/** "Look again": tells every front end that these requests may have changed. Lost rings cost time, nothing else. */
export interface Bell {
  ring(requestIds: readonly string[]): void;
  listen(onRing: (requestIds: readonly string[]) => void): Promise<void>;
  close(): Promise<void>;
}

export interface WindowCount {
  /** Those in the window so far, this one included. */
  readonly count: number;
  /** Milliseconds until the window ends. */
  readonly endsInMs: number;
}

/** Counts per key in windows of fixed length, each of which begins with the first that is counted in it. */
export interface WindowCounter {
  /** One more. Never rejects; takes about 50 ms at most. */
  add(key: string, windowS: number): Promise<WindowCount>;
  /** One less. Lost when its window is over. */
  giveBack(key: string, windowS: number): void;
  close(): void;
}

/** For `/readyz`. */
export interface HealthChecked {
  /** `ok`, or in words what is wrong. Never throws; answers within a second. */
  health(): Promise<string>;
}

/** For metrics and `sluice status`: its connection fails fast by itself. */
export interface BreakerShown {
  state(): BreakerState;
}
