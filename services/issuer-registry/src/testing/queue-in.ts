import type { QueueStore } from '@sluice/ledger';
import type { QueueWatch } from '../queue/queue-watch.js';

/** A watch that reads anew each time and knows no rates. */
export function queueIn(store: Pick<QueueStore, 'queue'>): Pick<QueueWatch, 'now'> {
  return { now: async () => ({ ...(await store.queue(undefined)), rates: new Map() }) };
}
