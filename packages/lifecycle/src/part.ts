/** Something that is started once and stopped once: a server, a consumer, a loop, a pool. */
export interface Part {
  readonly name: string;
  /** Resolves when it does its work; rejects when it cannot, having cleaned up after itself. */
  start(): Promise<void>;
  /**
   * Takes nothing new, finishes what runs for at most `deadlineMs` (milliseconds from now), then lets go.
   * Safe before `start` and twice.
   */
  stop(deadlineMs: number): Promise<void>;
}
