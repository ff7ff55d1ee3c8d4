import { SluiceError } from '@sluice/errors';
import type { SubscriberReport } from '@sluice/registry-protocol';
import { createMetrics, type Metrics } from '@sluice/telemetry';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLease, type Lease, type LeaseHolder } from './lease.js';

let events: string[];
const note = (facts: object): void => void events.push(String('event' in facts ? facts.event : ''));
const log = { info: note, warn: note, error: note };

/** The ledger's side: incarnations grow; what it refuses with is set by the test. */
let incarnation: bigint;
let refusal: SluiceError | undefined;
let enrolRefusal: SluiceError | undefined;
let applied: bigint;
let renewals: { incarnation: bigint; epoch: bigint }[];
let report: SubscriberReport;
let makeReport: () => Promise<SubscriberReport>;
let reports: (SubscriberReport | undefined)[];
let lease: Lease<LeaseHolder>;
let metrics: Metrics;

beforeEach(() => {
  vi.useFakeTimers();
  events = [];
  incarnation = 0n;
  refusal = undefined;
  enrolRefusal = undefined;
  renewals = [];
  applied = 42n;
  report = { ready: true, troubles: {}, breakers: { ledger: 'closed' }, clock_skew_ms: 1, refused: {}, refusals: [] };
  reports = [];
  makeReport = async () => report;
  metrics = createMetrics('test');
  lease = createLease({
    metrics,
    enrol: async () => {
      if (enrolRefusal) throw enrolRefusal;
      if (refusal?.code === 'unavailable') throw refusal;
      incarnation += 1n;
      return { name: 'signer-1', incarnation };
    },
    renew: async (caller, epoch, told) => {
      if (refusal) throw refusal;
      if (caller.incarnation !== incarnation) throw new SluiceError('fenced');
      renewals.push({ incarnation: caller.incarnation, epoch });
      reports.push(told);
      return new Date();
    },
    appliedEpoch: () => applied,
    report: () => makeReport(),
    log,
  });
});
afterEach(async () => {
  await lease.stop(0);
  vi.useRealTimers();
});

it('enrols at start, tells its epoch, and renews every 10 s with the applied epoch', async () => {
  expect(() => lease.caller()).toThrow(expect.objectContaining({ code: 'fenced' }));
  await lease.start();
  expect(lease.caller()).toEqual({ name: 'signer-1', incarnation: 1n });
  await vi.advanceTimersByTimeAsync(30_000);
  expect(renewals).toEqual([0, 1, 2, 3].map(() => ({ incarnation: 1n, epoch: 42n })));
  await lease.stop(0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(renewals).toHaveLength(4);
});

it('tells a newly applied epoch within a second, not at the next renewal', async () => {
  await lease.start();
  applied = 43n;
  await vi.advanceTimersByTimeAsync(1000);
  expect(renewals.slice(1)).toEqual([{ incarnation: 1n, epoch: 43n }]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(renewals).toHaveLength(2);
});

it('tells within a second what it has to say of itself, but not every figure', async () => {
  await lease.start();
  report = { ...report, clock_skew_ms: 7 };
  await vi.advanceTimersByTimeAsync(5000);
  expect(reports).toHaveLength(1);
  report = { ...report, ready: false, breakers: { ledger: 'open' } };
  await vi.advanceTimersByTimeAsync(1000);
  expect(reports.slice(1)).toEqual([report]);
});

it('renews without a report that does not come, or that fails', async () => {
  await lease.start();
  makeReport = () => new Promise(() => undefined);
  await vi.advanceTimersByTimeAsync(20_000);
  makeReport = () => Promise.reject(new Error('no'));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(reports.slice(1)).toEqual([undefined, undefined, undefined]);
});

it('tries again every second while the ledger is away, keeping its incarnation', async () => {
  await lease.start();
  refusal = new SluiceError('unavailable');
  await vi.advanceTimersByTimeAsync(12_500);
  expect(lease.caller().incarnation).toBe(1n);
  refusal = undefined;
  await vi.advanceTimersByTimeAsync(1000);
  expect(renewals).toHaveLength(2);
  expect(events).toEqual(['enrolled', 'renew-failed', 'renew-again']);
});

it('enrols anew when fenced, once for all who ask', async () => {
  await lease.start();
  incarnation = 5n;
  await Promise.all([lease.renewNow(), lease.renewNow(), lease.renewNow()]);
  expect(lease.caller().incarnation).toBe(6n);
});

it('starts without the ledger, and enrols when it is there', async () => {
  refusal = new SluiceError('unavailable');
  await lease.start();
  await vi.advanceTimersByTimeAsync(100_000);
  expect(() => lease.caller()).toThrow(expect.objectContaining({ code: 'fenced' }));
  refusal = undefined;
  await vi.advanceTimersByTimeAsync(1000);
  expect(lease.caller().incarnation).toBe(1n);
  // Four lines in a hundred seconds, and its end.
  expect(events).toEqual([...Array(4).fill('renew-failed'), 'enrolled', 'renew-again']);
});

it('does not start when the ledger refuses for good', async () => {
  enrolRefusal = new SluiceError('config-invalid');
  await expect(lease.start()).rejects.toBe(enrolRefusal);
});

/** The next one of the same name enrols, and the lease finds out. */
const quarrel = async (): Promise<unknown> => {
  incarnation += 1n;
  return await lease.renewNow().catch((thrown: SluiceError) => thrown.code);
};

it('is fenced once and enrols at once; fenced again within a minute, it gives way: longer each time, and not ready', async () => {
  await lease.start();
  expect(await quarrel()).toBeUndefined();
  expect(events).not.toContain('name-quarrel');
  for (const waitMs of [1000, 2000, 4000]) {
    expect(await quarrel()).toBe('fenced');
    const others = incarnation;
    expect(() => lease.caller()).toThrow(expect.objectContaining({ code: 'fenced' }));
    await vi.advanceTimersByTimeAsync(waitMs - 1);
    expect(await lease.renewNow().catch(({ code }: SluiceError) => code)).toBe('fenced');
    expect(incarnation).toBe(others);
    await vi.advanceTimersByTimeAsync(1);
    await lease.renewNow();
    expect(lease.caller().incarnation).toBe(others + 1n);
  }
  expect(events.filter((event) => event === 'name-quarrel')).toHaveLength(3);
  expect(await metrics.registry.getSingleMetric('sluice_name_quarrels_total')?.get()).toMatchObject({
    values: [{ value: 3 }],
  });
});

it('whoever kept its lease for a minute is in no quarrel', async () => {
  await lease.start();
  await quarrel();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await quarrel()).toBeUndefined();
  expect(events).not.toContain('name-quarrel');
});

it('of two that use one name, the younger one has the lease in the end', async () => {
  const make = () =>
    createLease({
      enrol: async () => {
        incarnation += 1n;
        return { name: 'signer-1', incarnation };
      },
      renew: async (caller) => {
        if (caller.incarnation !== incarnation) throw new SluiceError('fenced');
        return new Date();
      },
      appliedEpoch: () => 0n,
      log,
    });
  const [older, younger] = [make(), make()];
  const holds = (one: Lease<LeaseHolder>): boolean => {
    try {
      return one.caller().incarnation === incarnation;
    } catch {
      return false;
    }
  };
  await older.start();
  await younger.start();
  await vi.advanceTimersByTimeAsync(600_000);
  let [olderHeldS, youngerHeldS] = [0, 0];
  for (let second = 0; second < 600; second += 1) {
    await vi.advanceTimersByTimeAsync(1000);
    if (holds(older)) olderHeldS += 1;
    if (holds(younger)) youngerHeldS += 1;
  }
  expect(youngerHeldS).toBeGreaterThan(450);
  expect(olderHeldS).toBeLessThan(150);
  await Promise.all([older.stop(0), younger.stop(0)]);
});
