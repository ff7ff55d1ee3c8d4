/** Nobody is sent away for longer. */
export const retryAfterMaxS = 300;

/** Of what can be signed, so much is promised at most, less those who come for the first time; and at least so much. */
const promisedShare = { most: 0.8, least: 0.1 } as const;
/** How many come for the first time: as in the quietest of the last seconds, so that a burst does not count as a flood. */
const rememberedS = 10;
/** While more come by themselves than can be signed: it is thought to go on for as long as it has lasted, and so long at least. */
const burstMoreSMin = 3;

/**
 * When those who were refused shall come back: each in the first second in which there is still room, so that they do not
 * come back together. Nothing is kept for them: whoever comes first is served first.
 */
export interface RetryCalendar {
  /** Somebody asks, for the first time or because he was told to. */
  came(nowMs: number): void;
  /**
   * Whole seconds, 1 to `retryAfterMaxS`, with up to a fifth of jitter. `earliestS`: seconds until there is room, if nobody
   * came meanwhile; `perSecond`: how many can be signed in one. `random`: 0 ≤ x < 1.
   */
  book(nowMs: number, earliestS: number, perSecond: number, random: number): number;
}

export function createRetryCalendar(): RetryCalendar {
  /** How many come back in each second from `nowS` on, as a ring. */
  const booked = new Uint32Array(retryAfterMaxS + 1);
  /** Of each of the last seconds, those who came and had not been told to; the newest last. */
  let unbidden: number[] = [0];
  let came = 0;
  let nowS = 0;

  function passTo(secondS: number): void {
    const passed = Math.min(booked.length, secondS - nowS);
    for (let second = 0; second < passed; second += 1) {
      const place = (nowS + second) % booked.length;
      unbidden = [...unbidden, Math.max(0, came - (booked[place] ?? 0))].slice(-rememberedS);
      booked[place] = 0;
      came = 0;
    }
    nowS = Math.max(nowS, secondS);
  }

  function roomPerSecond(perSecond: number): number {
    const left = promisedShare.most * perSecond - Math.min(...unbidden);
    return Math.max(1, Math.floor(Math.max(left, promisedShare.least * perSecond)));
  }

  /** Seconds until a burst that goes on now is thought to be over; 0: there is none. */
  function burstLeftS(perSecond: number): number {
    const tooMany = (count: number): boolean => count > perSecond;
    const inThisSecond = came - (booked[nowS % booked.length] ?? 0);
    const secondsBefore = unbidden.length - 1 - unbidden.findLastIndex((count) => !tooMany(count));
    const lastedS = secondsBefore + (tooMany(inThisSecond) ? 1 : 0);
    return lastedS === 0 ? 0 : lastedS + burstMoreSMin;
  }

  return {
    came(nowMs) {
      passTo(Math.floor(nowMs / 1000));
      came += 1;
    },
    book(nowMs, earliestS, perSecond, random) {
      passTo(Math.floor(nowMs / 1000));
      const room = roomPerSecond(perSecond);
      let delayS = Math.max(1, Math.ceil(Math.min(earliestS, retryAfterMaxS)), burstLeftS(perSecond));
      const bookedAfter = (): number => booked[(nowS + delayS) % booked.length] ?? 0;
      while (delayS < retryAfterMaxS && bookedAfter() >= room) delayS += 1;
      booked[(nowS + delayS) % booked.length] = bookedAfter() + 1;
      return Math.min(retryAfterMaxS, delayS + Math.floor(random * (1 + delayS / 5)));
    },
  };
}
