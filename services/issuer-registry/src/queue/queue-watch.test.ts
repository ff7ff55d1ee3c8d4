import type { QueueReading } from '@sluice/ledger';
import { beforeEach, describe, expect, it } from 'vitest';
import { createQueueWatch, type QueueWatch } from './queue-watch.js';

let nowMs: number;
/** How long a reading takes. */
let takesMs: number;
let asked: (Date | undefined)[];
let watch: QueueWatch;
beforeEach(() => {
  nowMs = 0;
  takesMs = 10;
  asked = [];
  const queue = async (since: Date | undefined): Promise<QueueReading> => {
    asked.push(since);
    await Promise.resolve();
    nowMs += takesMs;
    return { at: new Date(nowMs), rows: [] };
  };
  const quiet = (): void => undefined;
  const log = { info: quiet, warn: quiet, error: quiet };
  watch = createQueueWatch({ store: { queue }, monotonicMs: () => nowMs, log });
});

describe('the watch over the queue', () => {
  it('reads once for all who ask at the same time, and again after a second', async () => {
    await Promise.all([watch.now(), watch.now()]);
    nowMs += 999;
    await watch.now();
    expect(asked).toHaveLength(1);
    nowMs += 1;
    await watch.now();
    expect(asked).toEqual([undefined, new Date(10)]);
  });

  it('keeps a reading that was dear for twenty times as long as it took', async () => {
    takesMs = 300;
    await watch.now();
    nowMs += 5999;
    await watch.now();
    expect(asked).toHaveLength(1);
    nowMs += 1;
    await watch.now();
    expect(asked).toHaveLength(2);
  });

  it('begins anew after a gap, so that a long outage is not counted as one arrival', async () => {
    await watch.now();
    nowMs += 60_001;
    expect((await watch.now()).rates.size).toBe(0);
    expect(asked).toEqual([undefined, undefined]);
  });
});
