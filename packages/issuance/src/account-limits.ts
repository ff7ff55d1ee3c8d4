/** What an account may ask for, as an operator set it. What is not set is as in `defaultLimits`. */
export interface AccountLimits {
  /** New orders a second, in the long run. */
  readonly ratePerSecond?: number | undefined;
  /** New orders that may come at once, when none came before. */
  readonly burst?: number | undefined;
  /** Joins a second that cost nothing; beyond, each counts as a new order. And as many looks at requests, counted apart. */
  readonly joinsPerSecond?: number | undefined;
  /** New orders in 24 hours, from the first of them on. Not set: no quota. */
  readonly ordersPerDay?: number | undefined;
}

export type AccountLimit = keyof AccountLimits;

/** Each limit is a whole number from 1 to this. */
export const accountLimitMax = {
  ratePerSecond: 100_000,
  burst: 1_000_000,
  joinsPerSecond: 100_000,
  ordersPerDay: 1_000_000_000,
} as const satisfies Record<AccountLimit, number>;

/** A client that goes wrong meets these; what all clients together may ask for is admission's to say. */
export const defaultLimits = { ratePerSecond: 2000, burst: 4000, joinsPerSecond: 4000 } as const;

/** So many points in a window, which begins with the first of them. */
export interface RateWindow {
  readonly points: number;
  readonly windowS: number;
}

export interface LimitsInForce {
  readonly orders: RateWindow;
  readonly joins: RateWindow;
  readonly day: RateWindow | undefined;
}

const dayS = 86_400;

/**
 * The windows that are counted in. Orders: the shortest whole number of seconds whose worth of the rate holds the burst.
 * Windows are fixed: around the edge between two, at most twice a window's points come together.
 */
export function limitsInForce(set: AccountLimits): LimitsInForce {
  const { ratePerSecond, burst, joinsPerSecond, ordersPerDay } = { ...defaultLimits, ...set };
  const windowS = Math.max(1, Math.ceil(burst / ratePerSecond));
  return {
    orders: { points: ratePerSecond * windowS, windowS },
    joins: { points: joinsPerSecond, windowS: 1 },
    day: ordersPerDay === undefined ? undefined : { points: ordersPerDay, windowS: dayS },
  };
}
