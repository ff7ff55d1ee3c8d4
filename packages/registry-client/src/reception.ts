import { type Frame, type Snapshot, withChange } from '@sluice/registry-protocol';

/** What a frame means to whoever holds a state. */
export type Reception =
  /** Doubled, or overtaken by what is held. */
  | { readonly todo: 'nothing' }
  /** In force once it has the digest that the frame brings, and can be applied. */
  | { readonly todo: 'apply'; readonly next: Snapshot; readonly digest: string }
  /** Nothing was missed if the state that is held has this digest. */
  | { readonly todo: 'compare'; readonly digest: string }
  /** Something was missed: only the whole state helps. */
  | { readonly todo: 'resync'; readonly because: string }
  /** The registry has less than was applied here: restored from an older backup, or the wrong one. A person has to look. */
  | { readonly todo: 'refuse'; readonly offered: string };

/**
 * Pure. `first`: the frame right after a stream's hello, with which the registry says where it is: only there an older
 * epoch is its own word; further on it is an old frame that comes late.
 */
export function receive(held: Snapshot | undefined, frame: Frame, first: boolean): Reception {
  if (frame.type === 'hello') return { todo: 'resync', because: 'a second hello on one stream' };
  const epoch = BigInt(frame.type === 'snapshot' ? frame.state.epoch : frame.epoch);
  const heldEpoch = held === undefined ? -1n : BigInt(held.epoch);
  if (epoch < heldEpoch) return first ? { todo: 'refuse', offered: String(epoch) } : { todo: 'nothing' };
  const { digest } = frame;
  if (frame.type === 'heartbeat') {
    return epoch === heldEpoch ? { todo: 'compare', digest } : { todo: 'resync', because: 'a change did not come' };
  }
  // The whole state, asked for because ours was in doubt, counts although its epoch is the same.
  if (epoch === heldEpoch && !(first && frame.type === 'snapshot')) return { todo: 'nothing' };
  if (frame.type === 'snapshot') return { todo: 'apply', next: frame.state, digest };
  if (held === undefined || frame.from !== held.epoch) return { todo: 'resync', because: 'a change is missing' };
  return { todo: 'apply', next: withChange(held, frame), digest };
}
