import type { HelloFrame } from '@sluice/registry-protocol';

/** Which state this is: of which registry, and what that registry said it was sealed with. */
export interface Origin {
  readonly history: string;
  readonly digest: string;
}

export interface Held extends Origin {
  readonly epoch: bigint;
}

export type Lineage =
  /** What is held is what the registry sealed under its epoch, or nothing is held: what follows can be trusted to follow. */
  | { readonly is: 'same' }
  /** It is not; but operators admitted a restore past it: the registry's state counts, as a whole. */
  | { readonly is: 'restored' }
  /** Another registry, or an older state of it that went on by itself: nothing of it is applied, at whatever epoch. */
  | { readonly is: 'refused'; readonly because: string };

/** Pure. What the registry that greets us is to the state that is held here. */
export function lineageOf(held: Held | undefined, hello: HelloFrame): Lineage {
  if (held === undefined) return { is: 'same' };
  if (hello.history !== held.history) return { is: 'refused', because: 'This is another registry' };
  if (hello.sealed === held.digest) return { is: 'same' };
  if (BigInt(hello.restored) > held.epoch) return { is: 'restored' };
  return hello.sealed === null
    ? { is: 'refused', because: 'The registry offers an older state than was applied' }
    : { is: 'refused', because: 'The registry was put back to an older state, and has gone on from there' };
}
