import type { QueueReading, QueueRow } from '@sluice/ledger';
import { expect, it } from 'vitest';
import { predictedWaitMs } from './predicted-wait.js';

const row = (more: Partial<QueueRow>): QueueRow => ({
  ...{ class: 'interactive', keyGroup: 'default', ca: 'tls', queued: 0, signing: 0, held: 0, parked: 0, failed: 0 },
  ...{ oldestAgeMs: 0, accepted: 0, topAccount: null, topOpen: 0, ...more },
});
const waitsOf = (capacities: QueueReading['capacities'], ...rows: QueueRow[]) =>
  rows.map(predictedWaitMs({ at: new Date(0), capacities, rows }));

it('is what is ahead at the capacity that the signers report', () => {
  expect(waitsOf({ default: 20 }, row({ queued: 50, held: 20, signing: 10, parked: 1000 }))).toEqual([2000]);
});

it('is none in an empty lane, and unknown without a capacity or while nothing is signed', () => {
  expect(waitsOf({}, row({ queued: 20, held: 20 }))).toEqual([0]);
  expect(waitsOf({}, row({ queued: 1 }))).toEqual([null]);
  expect(waitsOf({ default: null }, row({ queued: 1 }))).toEqual([null]);
  expect(waitsOf({ default: 0 }, row({ queued: 1 }))).toEqual([null]);
});

it('shares the lane among its CAs, and the capacity among the classes that want it', () => {
  const flooded = row({ ca: 'flooded', queued: 90 });
  const calm = row({ queued: 1 });
  expect(waitsOf({ default: 10 }, flooded, calm)).toEqual([9100, 300]);
  // 20 of 80 shares for urgent, 60 for interactive.
  expect(waitsOf({ default: 8 }, row({ queued: 6 }), row({ class: 'urgent', queued: 2 }))).toEqual([1000, 1000]);
  expect(waitsOf({ default: 8, other: 1 }, row({ queued: 6, keyGroup: 'other' }))).toEqual([6000]);
});
