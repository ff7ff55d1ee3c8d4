/** Numbers from 0 to below 1 that a seed decides (mulberry32): a mixture is planned again by its seed alone. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function choose<T>(random: () => number, among: readonly T[]): T {
  return among[Math.floor(random() * among.length)] as T; // `among` is never empty
}
