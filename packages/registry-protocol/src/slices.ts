import { setImmediate as otherWork } from 'node:timers/promises';

/**
 * Work on a state, which may be large, in steps that each take a bounded number of entities. Whoever runs it says what
 * happens between two of them.
 */
export type Steps<Result> = Generator<void, Result>;

/** Without a pause. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Beside other work, which has its turn after each step. */
export async function inSlices<Result>(steps: Steps<Result>): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await otherWork();
  }
}

/** `items`, with the end of a step after so many of them. */
export function* slice<Item>(items: readonly Item[], perSlice: number, work: (item: Item) => void): Steps<void> {
  for (const [index, item] of items.entries()) {
    work(item);
    if (index % perSlice === perSlice - 1) yield;
  }
}

/** So many accounts are looked at in one step. */
export const accountsPerSlice = 256;
