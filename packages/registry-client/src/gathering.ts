import { type ChangeFrame, type Frame, type Snapshot, withChanges } from '@sluice/registry-protocol';

/** A frame that says what the state should be. */
export type StateFrame = Exclude<Frame, { type: 'hello' }>;

/**
 * What frames that arrived together say: however many changes there are, their last state is made, compared and applied
 * once. Only the last digest is compared: it covers all that came before.
 */
export interface Gathering {
  /** The epoch after the last of them; that of what is held before the first. */
  epoch(): string | undefined;
  /** A change has to be one from `epoch()`, a heartbeat one at `epoch()`. */
  add(frame: StateFrame): void;
  /** The digest that was said last; `undefined` when nothing was said. */
  digest(): string | undefined;
  /** What is to be applied; `undefined` when what is held should stay. */
  next(): Snapshot | undefined;
  /** One of them brought all of it. */
  isWhole(): boolean;
}

export function createGathering(held: Snapshot | undefined): Gathering {
  let base = held;
  let changes: ChangeFrame[] = [];
  let digest: string | undefined;
  return {
    epoch: () => changes.at(-1)?.epoch ?? base?.epoch,
    add(frame) {
      digest = frame.digest;
      if (frame.type === 'change') changes.push(frame);
      if (frame.type === 'snapshot') [base, changes] = [frame.state, []];
    },
    digest: () => digest,
    isWhole: () => base !== held,
    next() {
      if (base === undefined || (base === held && changes.length === 0)) return undefined;
      return withChanges(base, changes);
    },
  };
}
