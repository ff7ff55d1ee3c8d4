/**
 * Bounds the claims in flight of one lane, first come first served. Each lane has its own, so that no class keeps
 * another from claiming; what is claimed shares the keys at the signing gate.
 */
export class ClaimSlots {
  readonly count: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.count = count;
    this.#free = count;
  }

  get free(): boolean {
    return this.#free > 0;
  }

  /** Resolves when a slot is this caller's; every `acquire` is followed by one `release`. */
  async acquire(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((grant) => this.#waiting.push(grant));
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}
