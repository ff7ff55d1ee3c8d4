import type { Clock } from '../clock.js';

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  private nowMs = 1_000_000;
  private readonly timers = new Set<{ atMs: number; callback: () => void }>();

  epochMs(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.nowMs + Math.max(0, delayMs), callback };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Goes on, timer by timer; what a callback starts gets a turn of the event loop before the next one. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.nowMs + byMs;
    for (;;) {
      const due = [...this.timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.timers.delete(due);
      this.nowMs = due.atMs;
      due.callback();
      // The fake ledger answers within one turn, and its answer is worked on in the next.
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    this.nowMs = endMs;
  }
}
