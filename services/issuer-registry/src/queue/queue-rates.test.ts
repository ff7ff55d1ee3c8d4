import type { QueueReading, QueueRow } from '@sluice/ledger';
import { expect, it } from 'vitest';
import { predictedWaitMs, ratesOf } from './queue-rates.js';

const row = (more: Partial<QueueRow> = {}): QueueRow => ({
  class: 'interactive',
  keyGroup: 'default',
  ca: 'tls',
  queued: 0,
  signing: 0,
  held: 0,
  parked: 0,
  failed: 0,
  oldestAgeMs: 0,
  accepted: 0,
  topAccount: null,
  topOpen: 0,
  ...more,
});
const at = (seconds: number, ...rows: QueueRow[]): QueueReading => ({ at: new Date(seconds * 1000), rows });

it('tells what came and what went per second, by class and CA', () => {
  const background = { class: 'background', ca: 'bulk' } as const;
  const readings = [
    // What was accepted before the first reading is of no window.
    at(0, row({ queued: 10, accepted: 999 }), row({ ...background, queued: 50 })),
    at(5, row({ queued: 4, accepted: 20 }), row({ ...background, queued: 60, accepted: 10 })),
    at(10, row({ queued: 3, signing: 2, accepted: 15 }), row({ ...background, queued: 70, accepted: 10 })),
  ];
  expect([...ratesOf(readings).values()]).toEqual([
    { class: 'interactive', keyGroup: 'default', ca: 'tls', arrivals: 3.5, drained: 4 },
    { class: 'background', keyGroup: 'default', ca: 'bulk', arrivals: 2, drained: 0 },
  ]);
});

it('tells of work that is gone altogether, and of work that came off the shelf', () => {
  const readings = [at(0, row({ queued: 30 })), at(10, row({ ca: 'back', queued: 40 }))];
  expect(ratesOf(readings).get('interactive default tls')).toMatchObject({ arrivals: 0, drained: 3 });
  expect(ratesOf(readings).get('interactive default back')).toMatchObject({ arrivals: 0, drained: 0 });
});

it('predicts a wait by what is ahead and how fast it goes', () => {
  const speed = { class: 'interactive', keyGroup: 'default', ca: 'tls', arrivals: 90, drained: 20 } as const;
  expect(predictedWaitMs(row({ queued: 50, held: 20, signing: 10, parked: 1000 }), speed)).toBe(2000);
  expect(predictedWaitMs(row({ queued: 20, held: 20 }), undefined)).toBe(0);
  expect(predictedWaitMs(row({ queued: 1 }), undefined)).toBeNull();
  expect(predictedWaitMs(row({ queued: 1 }), { ...speed, drained: 0 })).toBeNull();
});

it('tells nothing from one reading', () => {
  expect(ratesOf([at(0, row({ queued: 30 }))]).size).toBe(0);
  expect(ratesOf([]).size).toBe(0);
});
