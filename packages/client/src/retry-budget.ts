/** So many retries may be made at once; then one for every ten calls that needed none. */
const tokensMax = 10;
const tokensPerCall = 0.1;
/** Sums of tenths are not exact. */
const roundingMargin = 1e-9;

/**
 * One bucket for all calls of a client. Behaves like a full number of retries while few calls need one, and like nearly
 * none while the service is down, so that clients do not keep down what has fallen: 10 + a tenth of the calls that were
 * served, whatever happens.
 */
export interface RetryBudget {
  /** A call was served: done, or refused for good. */
  served(): void;
  /** Takes what a retry costs; false when that is not there. */
  take(): boolean;
}

export function createRetryBudget(): RetryBudget {
  let tokens = tokensMax;
  return {
    served() {
      tokens = Math.min(tokensMax, tokens + tokensPerCall);
    },
    take() {
      if (tokens + roundingMargin < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
