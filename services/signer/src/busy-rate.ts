/** How fast what was seen loses its weight: what is 5 s of work old hardly counts. */
const busyFadeMs = 1250;
/** Idle time says nothing about the rate. It only makes what was seen before it weigh less. */
const idleFadeMs = 10_000;
/** After so much work without a row done, the next row is the first of a new time: what hung said nothing about it. */
const hangMs = 1000;
/** And that row counts as if it had taken so long, so that one row alone does not promise a thousand. */
const firstRowMs = 250;
/** Below this weight nothing fades further: the last rate is kept, however long nothing happens. */
const weightMsMin = 0.001;

/**
 * Rows per second of the time in which at least one was in hand: what there is a capacity for, as lately measured. A row
 * that hangs counts as time without rows, so that the rate falls towards 0, and rises again with the first rows after
 * it: admission lets few in while it is low, and so nothing but these would tell. Idle keeps the last rate.
 */
export class BusyRate {
  readonly #monotonicMs: () => number;
  #inHand = 0;
  #seenMs: number;
  #rows = 0;
  #busyMs = 0;
  #sinceDoneMs = 0;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#seenMs = monotonicMs();
  }

  /** Something is in hand from now on; one `end` follows. */
  begin(): void {
    this.#advance();
    this.#inHand += 1;
  }

  /** So many rows left for good: certificates, and what was refused. What goes back to the queue does not count. */
  done(rows: number): void {
    this.#advance();
    if (rows === 0) return;
    if (this.#sinceDoneMs > hangMs) {
      this.#rows = 0;
      this.#busyMs = Math.min(this.#busyMs, firstRowMs);
    }
    this.#sinceDoneMs = 0;
    this.#rows += rows;
  }

  end(): void {
    this.#advance();
    this.#inHand -= 1;
  }

  /** `undefined` as long as nothing was ever in hand. */
  perSecond(): number | undefined {
    this.#advance();
    return this.#busyMs > 0 ? (this.#rows / this.#busyMs) * 1000 : undefined;
  }

  #advance(): void {
    const nowMs = this.#monotonicMs();
    const passedMs = nowMs - this.#seenMs;
    this.#seenMs = nowMs;
    if (passedMs <= 0) return;
    if (this.#inHand > 0) {
      this.#sinceDoneMs += passedMs;
      const kept = Math.exp(-passedMs / busyFadeMs);
      this.#rows *= kept;
      this.#busyMs = this.#busyMs * kept + busyFadeMs * (1 - kept);
    } else if (this.#busyMs > weightMsMin) {
      const kept = Math.max(Math.exp(-passedMs / idleFadeMs), weightMsMin / this.#busyMs);
      this.#rows *= kept;
      this.#busyMs *= kept;
    }
  }
}
