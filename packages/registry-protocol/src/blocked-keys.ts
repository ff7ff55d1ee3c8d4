import type { Steps } from './slices.js';
import { type Snapshot, spkiSha256Bytes } from './snapshot.js';

const keysPerSlice = 512;

/** The block list of one state, by lower-case hex as `publicKeyHash` of packages/pki gives it. */
export type BlockedKeys = Pick<ReadonlySet<string>, 'has' | 'size'>;

/** The block lists of one state after the other, for the price of the keys that were added. */
export interface BlockedKeyIndex {
  of(state: Pick<Snapshot, 'blockedKeys'>): Steps<BlockedKeys>;
}

/** Keys are only ever added behind the others, so all lists share one index, and each knows how far into it it goes. */
export function createBlockedKeyIndex(): BlockedKeyIndex {
  let octets = Buffer.alloc(0);
  let places = new Map<string, number>();
  return {
    *of({ blockedKeys }) {
      const next = Buffer.from(blockedKeys, 'base64');
      if (!isPrefix(octets, next)) [octets, places] = [Buffer.alloc(0), new Map()];
      const [before, here] = [octets.length / spkiSha256Bytes, places];
      octets = next;
      const size = next.length / spkiSha256Bytes;
      for (let place = before; place < size; place++) {
        const keyHash = next.toString('hex', place * spkiSha256Bytes, (place + 1) * spkiSha256Bytes);
        if (!here.has(keyHash)) here.set(keyHash, place);
        if (place % keysPerSlice === keysPerSlice - 1) yield;
      }
      return { size, has: (keyHash) => (here.get(keyHash) ?? size) < size };
    },
  };
}

/** How many keys a state blocks, and the last of them. */
export function lastBlockedKey({ blockedKeys }: Pick<Snapshot, 'blockedKeys'>): {
  readonly count: number;
  readonly keyHash: string | undefined;
} {
  const octets = Buffer.from(blockedKeys, 'base64');
  const count = octets.length / spkiSha256Bytes;
  return { count, keyHash: count === 0 ? undefined : octets.toString('hex', octets.length - spkiSha256Bytes) };
}

/** Whether keys were only added. */
export function isPrefix(start: Buffer, whole: Buffer): boolean {
  return start.length <= whole.length && start.compare(whole, 0, start.length) === 0;
}
