import type { Frame } from '@sluice/registry-protocol';
import type { StateFrame } from './gathering.js';

/** What a frame means to whoever holds a state. */
export type Reception =
  /** Doubled, or overtaken by what is held. */
  | { readonly todo: 'nothing' }
  /** Says what the state should be. */
  | { readonly todo: 'gather'; readonly frame: StateFrame }
  /** Something was missed: only the whole state helps. */
  | { readonly todo: 'resync'; readonly because: string }
  /** The registry has less than was applied here: restored from an older backup, or the wrong one. A person has to look. */
  | { readonly todo: 'refuse'; readonly offered: string };

/**
 * Pure. `held`: the epoch of what is held, or gathered already. `first`: the frame right after a stream's hello, with
 * which the registry says where it is: only there an older epoch is its own word; further on it is an old frame that
 * comes late.
 */
export function receive(held: string | undefined, frame: Frame, first: boolean): Reception {
  if (frame.type === 'hello') return { todo: 'resync', because: 'a second hello on one stream' };
  const epoch = BigInt(frame.type === 'snapshot' ? frame.state.epoch : frame.epoch);
  const heldEpoch = BigInt(held ?? -1);
  if (epoch < heldEpoch) return first ? { todo: 'refuse', offered: String(epoch) } : { todo: 'nothing' };
  if (frame.type === 'heartbeat') {
    return epoch === heldEpoch ? { todo: 'gather', frame } : { todo: 'resync', because: 'a change did not come' };
  }
  // The whole state, asked for because ours was in doubt, counts although its epoch is the same.
  if (epoch === heldEpoch && !(first && frame.type === 'snapshot')) return { todo: 'nothing' };
  if (frame.type === 'change' && frame.from !== held) return { todo: 'resync', because: 'a change is missing' };
  return { todo: 'gather', frame };
}
