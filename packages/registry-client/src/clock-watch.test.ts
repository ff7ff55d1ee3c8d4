import { createMetrics } from '@sluice/telemetry';
import { beforeEach, expect, it } from 'vitest';
import { type ClockWatch, createClockWatch } from './clock-watch.js';

let wallMs: number;
let monotonicMs: number;
let events: string[];
let metrics: ReturnType<typeof createMetrics>;
let watch: ClockWatch;

beforeEach(() => {
  wallMs = Date.UTC(2026, 10, 21);
  monotonicMs = 1000;
  events = [];
  metrics = createMetrics('test');
  const note = (facts: object): void => void events.push(String('event' in facts ? facts.event : ''));
  watch = createClockWatch({
    now: () => new Date(wallMs),
    monotonicMs: () => monotonicMs,
    metrics,
    log: { info: note, warn: note, error: note },
  });
});

const pass = (ms: number): void => {
  wallMs += ms;
  monotonicMs += ms;
};
/** The ledger is asked, and says so much more than our wall clock at the middle of the round trip. */
function told(ledgerAheadMs: number, roundTripMs = 0): void {
  const heard = watch.asking();
  pass(roundTripMs / 2);
  const ledgerTime = new Date(wallMs + ledgerAheadMs);
  pass(roundTripMs / 2);
  heard(ledgerTime);
}

it('knows nothing, and finds no fault, before the ledger has told', () => {
  expect([watch.skewMs(), watch.fault()]).toEqual([undefined, undefined]);
});

it.each([
  [0, undefined],
  [5000, undefined],
  [-5000, undefined],
  [5001, '5 s behind the ledger'],
  [-3_600_000, '3600 s ahead of the ledger'],
])('the ledger %i ms ahead: %s', (aheadMs, fault) => {
  told(aheadMs);
  expect(watch.fault()).toBe(fault);
});

it('a long round trip is no skew, and what it leaves in doubt is not held against the clock', () => {
  told(0, 8000);
  expect(watch.skewMs()).toBe(0);
  // Told at the end of a round trip of 8 s, not at its middle: 4 s off, and 4 s in doubt.
  const heard = watch.asking();
  pass(8000);
  heard(new Date(wallMs + 4500));
  expect(watch.fault()).toBeUndefined();
});

it('sees a jump between two renewals at once, and its end', async () => {
  told(0);
  pass(9000);
  watch.look();
  wallMs += 3_600_000;
  expect(watch.fault()).toBe('3600 s ahead of the ledger');
  watch.look();
  watch.look();
  expect(await metrics.registry.metrics()).toMatch(/sluice_clock_skew_seconds\{.*\} 3600/);
  wallMs -= 3_600_000;
  expect(watch.fault()).toBeUndefined();
  watch.look();
  expect(events).toEqual(['clock-wrong', 'clock-right']);
});

it('goes by the newest answer: the ledger on another machine after a failover', () => {
  told(6000);
  told(0);
  expect(watch.fault()).toBeUndefined();
});
