import type { Frame } from '@sluice/registry-protocol';
import type { StateFrame } from './gathering.js';

/** What a frame means to whoever holds a state. */
export type Reception =
  /** Doubled, or overtaken by what is held. */
  | { readonly todo: 'nothing' }
  /** Says what the state should be. */
  | { readonly todo: 'gather'; readonly frame: StateFrame }
  /** Something was missed: only the whole state helps. */
  | { readonly todo: 'resync'; readonly because: string };

/**
 * Pure. `held`: the epoch of what is held, or gathered already. `first`: the frame right after a stream's hello. An older
 * epoch is an old frame that comes late: whether the registry itself is behind was seen by its hello.
 */
export function receive(held: string | undefined, frame: Frame, first: boolean): Reception {
  if (frame.type === 'hello') return { todo: 'resync', because: 'a second hello on one stream' };
  const epoch = BigInt(frame.type === 'snapshot' ? frame.state.epoch : frame.epoch);
  const heldEpoch = BigInt(held ?? -1);
  if (epoch < heldEpoch) return { todo: 'nothing' };
  if (frame.type === 'heartbeat') {
    return epoch === heldEpoch ? { todo: 'gather', frame } : { todo: 'resync', because: 'a change did not come' };
  }
  // The whole state, asked for because ours was in doubt, counts although its epoch is the same.
  if (epoch === heldEpoch && !(first && frame.type === 'snapshot')) return { todo: 'nothing' };
  if (frame.type === 'change' && frame.from !== held) return { todo: 'resync', because: 'a change is missing' };
  return { todo: 'gather', frame };
}
