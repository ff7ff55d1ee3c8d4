import type { RateWindow } from '@sluice/issuance';
import type { WindowCount, WindowCounter } from '@sluice/queue';
import type { DirectoryAccount } from '../directory.js';
import { type LimitName, LimitReached } from '../limit-reached.js';

/** What an order was charged with. Each may be called at any time after; a second call does nothing. */
export interface Charge {
  /** It became no new request: given back, unless the account has joined more in this second than is free. */
  joined(): void;
  /** Nothing was stored: it counts against the rate, as anything asked does, but not against the quota. */
  notStored(): void;
}

export interface Charges {
  /**
   * Counts an order. Throws LimitReached (`rate-limited`, `quota-exceeded`) when the account has had as many as it may,
   * and then counts nothing. One call to Redis, shared by the account's orders that come at the same time; two with a quota.
   */
  order(account: DirectoryAccount): Promise<Charge>;
  /** Counts a join; is it a free one still? Then who is beyond the rate may be looked up, too. */
  join(account: DirectoryAccount): Promise<boolean>;
  /** Counts a look at a request, or its cancelling: as many as joins, apart from them. Throws LimitReached (`rate-limited`). */
  look(account: DirectoryAccount): Promise<void>;
}

export interface ChargesOptions {
  readonly counter: Pick<WindowCounter, 'add' | 'giveBack'>;
  /** 0 ≤ x < 1: jitter. */
  readonly random: () => number;
}

/** Step 1: rate and quota of an account. */
export function createCharges({ counter, random }: ChargesOptions): Charges {
  async function join({ name, limits: { joins } }: DirectoryAccount): Promise<boolean> {
    const { count } = await counter.add(`joins:${name}`, joins.windowS);
    return count <= joins.points;
  }

  return {
    async order(account) {
      const { name, limits } = account;
      const { orders, day } = limits;
      const giveBackOrder = () => counter.giveBack(`orders:${name}`, orders.windowS);
      const giveBackDay = () => day && counter.giveBack(`day:${name}`, day.windowS);
      const [ofOrders, ofDay] = await Promise.all([
        counter.add(`orders:${name}`, orders.windowS),
        day && counter.add(`day:${name}`, day.windowS),
      ]);
      const reached = overOf('orders', orders, ofOrders) ?? overOf('day', day, ofDay);
      if (reached !== undefined) {
        giveBackOrder();
        giveBackDay();
        throw reached;
      }
      let settled = false;
      const once = (settle: () => void) => () => {
        if (!settled) settle();
        settled = true;
      };
      return {
        joined: once(() => {
          giveBackDay();
          void join(account).then((free) => free && giveBackOrder());
        }),
        notStored: once(giveBackDay),
      };
    },
    join,
    async look({ name, limits: { joins } }) {
      const reached = overOf('looks', joins, await counter.add(`looks:${name}`, joins.windowS));
      if (reached !== undefined) throw reached;
    },
  };

  function overOf(limit: LimitName, window: RateWindow | undefined, counted: WindowCount | undefined) {
    if (window === undefined || counted === undefined || counted.count <= window.points) return undefined;
    return new LimitReached(limit, window, counted.endsInMs, random);
  }
}
