import type { Patience } from './group-commit.js';

/** Who waits in this process for requests to end. */
export interface Waited {
  /** Those that are held, or wait for a token that hangs, are not among them: whoever gathers for them gathers in vain. */
  readonly count: number;
  /** How long it lately took, in milliseconds. */
  readonly latelyMs: number;
}

/** A commit of 5 rows costs almost what one of 16 does. */
const worthRows = 16;
const patienceMsMax = 50;
const gatheredRowsMax = 32;

/** A small batch waits for the one in flight. */
export const besidePatience: Patience = {
  rowsMin: (beside) => (beside ? worthRows : 1),
  waitMs: () => patienceMsMax,
};

/** Whoever waited longer than this was in no closed round with those who gather: not all of them are back in time. */
const roundMs = 2 * patienceMsMax;

/**
 * What is accepted together is claimed, signed, completed and read together, and each batch costs all processes together
 * what some five requests do. So orders gather until they are as many as those that are waited for, for at most half of
 * what these take: in the end half of all gather while the other half is being signed. Who comes alone does not wait. Of
 * orders that take long (one account's flood) only some come back in the time that may be waited; the fewer, the shorter
 * it is, and for two or three nobody waits.
 */
export function gatherPatience(waited: Waited): Patience {
  return {
    rowsMin: (beside) => Math.max(besidePatience.rowsMin(beside), Math.min(gatheredRowsMax, coming(waited))),
    waitMs: () => {
      const longestMs = Math.min(patienceMsMax, waited.latelyMs / 2);
      return waited.latelyMs <= roundMs ? longestMs : longestMs * Math.min(1, coming(waited) / worthRows) ** 2;
    },
  };
}

/** How many of those that are waited for come back in time. */
const coming = ({ count, latelyMs }: Waited): number => count * Math.min(1, roundMs / latelyMs);
