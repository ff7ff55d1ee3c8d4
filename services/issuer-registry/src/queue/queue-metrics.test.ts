import { SluiceError } from '@sluice/errors';
import type { QueueRow } from '@sluice/ledger';
import { createMetrics } from '@sluice/telemetry';
import { beforeEach, expect, it } from 'vitest';
import { createMemoryRegistryStore, type MemoryRegistryStore } from '../testing/memory-registry-store.js';
import { queueIn } from '../testing/queue-in.js';
import { createQueueMetrics } from './queue-metrics.js';

const row: QueueRow = {
  ...{ class: 'interactive', keyGroup: 'default', ca: 'tls', queued: 5, signing: 2, held: 1, parked: 3, failed: 4 },
  ...{ oldestAgeMs: 1500, accepted: 0, topAccount: null, topOpen: 0 },
};

let store: MemoryRegistryStore;
let read: () => Promise<string[]>;
beforeEach(() => {
  store = createMemoryRegistryStore(new Date());
  const metrics = createMetrics('issuer-registry');
  const quiet = (): void => undefined;
  createQueueMetrics({ metrics, queue: queueIn(store), store, log: { info: quiet, warn: quiet, error: quiet } });
  read = async () => {
    const text = await metrics.registry.metrics();
    return text
      .split('\n')
      .filter((line) => /^sluice_(lane|claimable|work|oldest)_?/.test(line))
      .map((line) => line.replace(/,?service="issuer-registry"/, '').replace('{}', ''));
  };
});

it('tells by lane, and by class and CA, what is open and what ages, at the first collection', async () => {
  store.queueRows = [row, { ...row, ca: 'other', queued: 1, oldestAgeMs: 9000 }];
  store.vacuum = { deadRows: 70, oldestTransactionMs: 4500, heldBy: 'somebody' };
  expect(await read()).toEqual([
    'sluice_lane_open{lane="interactive.default",state="queued"} 6',
    'sluice_lane_open{lane="interactive.default",state="signing"} 4',
    'sluice_lane_oldest_age_seconds{lane="interactive.default"} 9',
    'sluice_claimable_age_seconds{class="interactive",ca="tls"} 1.5',
    'sluice_claimable_age_seconds{class="interactive",ca="other"} 9',
    ...['queued"} 5', 'signing"} 2', 'held"} 1', 'parked"} 3', 'failed"} 4'].map(
      (end) => `sluice_work{class="interactive",ca="tls",state="${end}`,
    ),
    ...['queued"} 1', 'signing"} 2', 'held"} 1', 'parked"} 3', 'failed"} 4'].map(
      (end) => `sluice_work{class="interactive",ca="other",state="${end}`,
    ),
    'sluice_work_dead_rows 70',
    'sluice_oldest_transaction_seconds 4.5',
  ]);
});

it('tells no age of what is gone', async () => {
  store.queueRows = [row];
  await read();
  store.queueRows = [];
  expect(await read()).toEqual(['sluice_work_dead_rows 0', 'sluice_oldest_transaction_seconds 0']);
});

it('tells nothing while the ledger is away', async () => {
  store.queue = async () => {
    throw new SluiceError('unavailable');
  };
  store.vacuumWatch = async () => {
    throw new SluiceError('unavailable');
  };
  expect(await read()).toEqual([]);
});
