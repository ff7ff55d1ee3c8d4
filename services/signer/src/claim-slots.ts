import type { RequestClass } from '@sluice/issuance';

/** Parts of the signing capacity each class gets while all of them want it (ARCHITECTURE, class). */
const shares: Readonly<Record<RequestClass, number>> = { urgent: 20, interactive: 60, async: 15, background: 5 };

interface Waiting {
  readonly class: RequestClass;
  readonly grant: () => void;
}

/**
 * Bounds the claims in flight of one signer. When more want one, the class that got least for its share goes first;
 * what a class does not use, the others may (work-conserving). Strides: a class's `used` grows by rows ÷ share.
 */
export class ClaimSlots {
  readonly #used: Record<RequestClass, number> = { urgent: 0, interactive: 0, async: 0, background: 0 };
  readonly #waiting: Waiting[] = [];
  #free: number;
  /** `used` of the class served last: a class that was idle starts from here, without credit for its idle time. */
  #floor = 0;

  constructor(count: number) {
    this.#free = count;
  }

  get free(): boolean {
    return this.#free > 0;
  }

  /** Resolves when a slot is this caller's; every `acquire` is followed by one `release`. */
  async acquire(requestClass: RequestClass): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      this.#serve(requestClass);
      return;
    }
    await new Promise<void>((grant) => this.#waiting.push({ class: requestClass, grant }));
  }

  /** Gives the slot back; `rows` is what was done with it. */
  release(requestClass: RequestClass, rows: number): void {
    this.#used[requestClass] += Math.max(1, rows) / shares[requestClass];
    const next = this.#takeNext();
    if (!next) {
      this.#free += 1;
      return;
    }
    this.#serve(next.class);
    next.grant();
  }

  #serve(requestClass: RequestClass): void {
    this.#used[requestClass] = Math.max(this.#used[requestClass], this.#floor);
    this.#floor = this.#used[requestClass];
  }

  #takeNext(): Waiting | undefined {
    const [first, ...others] = this.#waiting;
    if (!first) return undefined;
    const next = others.reduce((best, one) => (this.#rank(one) < this.#rank(best) ? one : best), first);
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    return next;
  }

  #rank(waiting: Waiting): number {
    return Math.max(this.#used[waiting.class], this.#floor);
  }
}
