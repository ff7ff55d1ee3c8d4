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

/**
 * What is accepted together is claimed, signed, completed and read together, and each batch costs all processes together
 * what some five requests do. So orders gather until they are as many as those that are waited for, for at most half of
 * what these take: in the end half of all gather while the other half is being signed. Who comes alone does not wait, nor
 * beside orders that take long (one account's flood), when too few of those come back in the time that may be waited.
 */
export function gatherPatience(waited: Waited): Patience {
  return {
    rowsMin: (beside) => Math.max(besidePatience.rowsMin(beside), gatheredRows(waited)),
    waitMs: () => Math.min(patienceMsMax, waited.latelyMs / 2),
  };
}

function gatheredRows({ count, latelyMs }: Waited): number {
  const roundMs = 2 * patienceMsMax;
  if (latelyMs <= roundMs) return Math.min(gatheredRowsMax, count);
  const coming = (count * roundMs) / latelyMs;
  return coming < worthRows ? 1 : Math.min(gatheredRowsMax, coming);
}
