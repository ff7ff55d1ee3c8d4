/** How many rows of each flow are in hand. */
export class FlowsInHand {
  readonly #rows = new Map<string, number>();

  has(flow: string): boolean {
    return this.#rows.has(flow);
  }

  /** One row of each from now on, until what it gives is called, once. */
  take(flows: readonly string[]): () => void {
    for (const flow of flows) this.#rows.set(flow, (this.#rows.get(flow) ?? 0) + 1);
    return () => {
      for (const flow of flows) {
        const left = (this.#rows.get(flow) ?? 0) - 1;
        if (left > 0) this.#rows.set(flow, left);
        else this.#rows.delete(flow);
      }
    };
  }
}
