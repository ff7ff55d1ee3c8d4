/** Nobody is sent away for longer. */
export const retryAfterMaxS = 300;

/** Of what can be signed, so much is promised: some come back early, and others come for the first time. */
const promisedShare = 0.8;

/**
 * When those who were refused shall come back: each in the first second in which there is still room, so that they do not
 * come back together. Nothing is kept for them: whoever comes first is served first.
 */
export interface RetryCalendar {
  /**
   * Whole seconds, 1 to `retryAfterMaxS`, with up to a fifth of jitter. `earliestS`: seconds until there is room at all;
   * `perSecond`: how many may come back in one second. `random`: 0 ≤ x < 1.
   */
  book(nowMs: number, earliestS: number, perSecond: number, random: number): number;
}

export function createRetryCalendar(): RetryCalendar {
  /** How many come back in each second from `nowS` on, as a ring. */
  const booked = new Uint32Array(retryAfterMaxS + 1);
  let nowS = 0;

  function passTo(secondS: number): void {
    const passed = Math.min(booked.length, secondS - nowS);
    for (let second = 0; second < passed; second += 1) booked[(nowS + second) % booked.length] = 0;
    nowS = Math.max(nowS, secondS);
  }

  return {
    book(nowMs, earliestS, perSecond, random) {
      passTo(Math.floor(nowMs / 1000));
      const room = Math.max(1, Math.floor(perSecond * promisedShare));
      let delayS = Math.max(1, Math.ceil(Math.min(earliestS, retryAfterMaxS)));
      const bookedAfter = (): number => booked[(nowS + delayS) % booked.length] ?? 0;
      while (delayS < retryAfterMaxS && bookedAfter() >= room) delayS += 1;
      booked[(nowS + delayS) % booked.length] = bookedAfter() + 1;
      return Math.min(retryAfterMaxS, delayS + Math.floor(random * (1 + delayS / 5)));
    },
  };
}
