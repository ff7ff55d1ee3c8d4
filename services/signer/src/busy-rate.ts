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
 * Rows a second that there is a capacity for, as lately measured. Three answers are kept:
 *
 * - *least*: rows done per time with a row in hand. Of single rows this tells how long one takes, not how many go at once.
 * - *most*: as many rows a second if every place were used as those that were: time per row × places. Signers that share a
 *   token cannot all have it.
 * - *full*: rows done per time in which no place was free. This alone is a capacity; calm times say nothing about it,
 *   and it is kept however long they last.
 *
 * The answer is the last *full*, within what *least* and *most* allow now; before the first full time it is *most*.
 * A row that hangs counts as time without rows, so that all fall towards 0, and rise again with the first rows after it:
 * admission lets few in while it is low, and so nothing but these would tell.
 */
export class BusyRate {
  readonly #monotonicMs: () => number;
  readonly #places: number;
  #inHand = 0;
  #seenMs: number;
  #rows = 0;
  #busyMs = 0;
  /** As `busyMs`, each place counted. */
  #placeMs = 0;
  #full = { rows: 0, busyMs: 0 };
  #sinceDoneMs = 0;

  constructor(monotonicMs: () => number, places = 1) {
    this.#monotonicMs = monotonicMs;
    this.#places = places;
    this.#seenMs = monotonicMs();
  }

  /** So many rows are in hand from now on; as many `end`. */
  begin(rows = 1): void {
    this.#advance();
    this.#inHand += rows;
  }

  /** So many rows left for good: certificates, and what was refused. What goes back to the queue does not count. */
  done(rows: number): void {
    this.#advance();
    if (rows === 0) return;
    if (this.#sinceDoneMs > hangMs) {
      this.#rows = 0;
      this.#busyMs = Math.min(this.#busyMs, firstRowMs);
      this.#placeMs = Math.min(this.#placeMs, firstRowMs * this.#places);
      this.#full = { rows: 0, busyMs: 0 };
    }
    this.#sinceDoneMs = 0;
    this.#rows += rows;
    if (this.#isFull()) this.#full.rows += rows;
  }

  end(rows = 1): void {
    this.#advance();
    this.#inHand -= rows;
  }

  /** `undefined` as long as nothing was ever in hand. */
  perSecond(): number | undefined {
    this.#advance();
    if (this.#busyMs === 0) return undefined;
    const least = this.#rows / this.#busyMs;
    const most = (this.#rows / this.#placeMs) * this.#places;
    const full = this.#full.busyMs > 0 ? this.#full.rows / this.#full.busyMs : most;
    return 1000 * Math.max(least, Math.min(full, most));
  }

  #isFull(): boolean {
    return this.#inHand >= this.#places;
  }

  #advance(): void {
    const nowMs = this.#monotonicMs();
    const passedMs = nowMs - this.#seenMs;
    this.#seenMs = nowMs;
    if (passedMs <= 0) return;
    if (this.#inHand > 0) this.#work(passedMs);
    else if (this.#busyMs > weightMsMin) {
      const kept = Math.max(Math.exp(-passedMs / idleFadeMs), weightMsMin / this.#busyMs);
      this.#rows *= kept;
      this.#busyMs *= kept;
      this.#placeMs *= kept;
    }
  }

  #work(passedMs: number): void {
    const kept = Math.exp(-passedMs / busyFadeMs);
    const addedMs = busyFadeMs * (1 - kept);
    this.#sinceDoneMs += passedMs;
    this.#rows *= kept;
    this.#busyMs = this.#busyMs * kept + addedMs;
    this.#placeMs = this.#placeMs * kept + addedMs * Math.min(this.#inHand, this.#places);
    if (this.#isFull()) this.#full = { rows: this.#full.rows * kept, busyMs: this.#full.busyMs * kept + addedMs };
  }
}
