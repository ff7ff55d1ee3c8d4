import { SluiceError } from '@sluice/errors';

/** Remembers token ids until their tokens have expired, in memory that cannot grow without bound. */
export interface ReplayGuard {
  /**
   * True the first time, false for an id already seen. Times are seconds since 1970. Throws `unavailable` when it is
   * full of tokens that still live: refusing is safe, forgetting would not be.
   */
  accept(id: string, forgetAtS: number, nowS: number): boolean;
}

/**
 * One process's memory. Two registries do not share it: a token shown to the second one within its 30 s is accepted
 * there. Every call that changes something is therefore made so that doing it twice changes nothing more.
 */
export function createReplayGuard(options: { readonly idsMax: number }): ReplayGuard {
  const forgetAtSById = new Map<string, number>();
  const forgetExpired = (nowS: number): void => {
    for (const [id, forgetAtS] of forgetAtSById) {
      if (forgetAtS < nowS) forgetAtSById.delete(id);
    }
  };
  return {
    accept(id, forgetAtS, nowS) {
      const known = forgetAtSById.get(id);
      if (known !== undefined && known >= nowS) return false;
      if (forgetAtSById.size >= options.idsMax) forgetExpired(nowS);
      if (forgetAtSById.size >= options.idsMax) {
        throw new SluiceError('unavailable', 'More calls that change something than this process can remember');
      }
      forgetAtSById.set(id, forgetAtS);
      return true;
    },
  };
}
