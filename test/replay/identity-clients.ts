import { setTimeout as wait } from 'node:timers/promises';
import type { Answer, PostOptions, System } from '@sluice/testkit';
import { type Arrival, startArrivals } from '../flood/arrivals.js';
import { nextOrder } from '../flood/orders.js';
import { createSwiftClient } from '../flood/swift-client.js';

/** The first included. */
const triesMax = 6;
const retryPauseMs = 1000;

export interface IdentityClients {
  /** First tries, in the order in which they were due. */
  readonly arrivals: readonly Arrival[];
  /** Of all tries. */
  answers(): Answer[];
  /** No more orders and no more tries; resolves when each that was sent has its answer. */
  stop(): Promise<void>;
}

/**
 * Customers of `POST /identity`, in an open loop, each with a limit of 6 s (what the service waits at most). Whoever is
 * turned away with 503 or gets no answer tries again after a second; a 429 ends it.
 */
export function startIdentityClients(
  system: System,
  options: {
    readonly apiKeys: readonly string[];
    readonly ordersPerSecond: number;
    /** Every try bears the key of the first; otherwise each is an order of its own, with a key pair of its own. */
    readonly joins: boolean;
  },
): IdentityClients {
  const clients = options.apiKeys.map((apiKey) => createSwiftClient(system, apiKey));
  const retrying = new Set<Promise<void>>();
  let over = false;
  let ordered = 0;
  const tryOf = (order: PostOptions): PostOptions => (options.joins ? order : nextOrder({ key: undefined }));
  const turnedAway = ({ status = 503 }: Answer): boolean => status >= 500;

  async function tryAgain(client: (typeof clients)[number], order: PostOptions): Promise<void> {
    for (let tries = 1; tries < triesMax; tries += 1) {
      await wait(retryPauseMs);
      if (over || !turnedAway(await client.post(tryOf(order)))) return;
    }
  }
  const arrivals = startArrivals(options.ordersPerSecond, async () => {
    const client = clients[ordered++ % clients.length] as (typeof clients)[number];
    const order = nextOrder();
    const answer = await client.post(tryOf(order));
    if (turnedAway(answer)) {
      const again = tryAgain(client, order).finally(() => retrying.delete(again));
      retrying.add(again);
    }
    return answer;
  });
  return {
    arrivals: arrivals.all,
    answers: () => clients.flatMap(({ answers }) => answers),
    async stop() {
      over = true;
      await arrivals.stop();
      await Promise.all(retrying);
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}
