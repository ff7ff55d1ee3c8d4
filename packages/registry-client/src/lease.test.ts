import { SluiceError } from '@sluice/errors';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLease, type Lease, type LeaseHolder } from './lease.js';

let events: string[];
const note = (facts: object): void => void events.push(String('event' in facts ? facts.event : ''));
const log = { info: note, warn: note, error: note };

/** The ledger's side: incarnations grow; what it refuses with is set by the test. */
let incarnation: bigint;
let refusal: SluiceError | undefined;
let applied: bigint;
let renewals: { incarnation: bigint; epoch: bigint }[];
let lease: Lease<LeaseHolder>;

beforeEach(() => {
  vi.useFakeTimers();
  events = [];
  incarnation = 0n;
  refusal = undefined;
  renewals = [];
  applied = 42n;
  lease = createLease({
    enrol: async () => {
      if (refusal?.code === 'unavailable') throw refusal;
      incarnation += 1n;
      return { name: 'signer-1', incarnation };
    },
    renew: async (caller, epoch) => {
      if (refusal) throw refusal;
      if (caller.incarnation !== incarnation) throw new SluiceError('fenced');
      renewals.push({ incarnation: caller.incarnation, epoch });
    },
    appliedEpoch: () => applied,
    log,
  });
});
afterEach(async () => {
  await lease.stop(0);
  vi.useRealTimers();
});

it('enrols at start and renews every 10 s with the applied epoch', async () => {
  expect(() => lease.caller()).toThrow(expect.objectContaining({ code: 'fenced' }));
  await lease.start();
  expect(lease.caller()).toEqual({ name: 'signer-1', incarnation: 1n });
  await vi.advanceTimersByTimeAsync(30_000);
  expect(renewals).toEqual([1, 2, 3].map(() => ({ incarnation: 1n, epoch: 42n })));
  await lease.stop(0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(renewals).toHaveLength(3);
});

it('tells a newly applied epoch within a second, not at the next renewal', async () => {
  await lease.start();
  applied = 43n;
  await vi.advanceTimersByTimeAsync(1000);
  expect(renewals).toEqual([{ incarnation: 1n, epoch: 43n }]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(renewals).toHaveLength(1);
});

it('tries again every second while the ledger is away, keeping its incarnation', async () => {
  await lease.start();
  refusal = new SluiceError('unavailable');
  await vi.advanceTimersByTimeAsync(12_500);
  expect(events.filter((event) => event === 'renew-failed')).toHaveLength(3);
  refusal = undefined;
  await vi.advanceTimersByTimeAsync(1000);
  expect(renewals).toEqual([{ incarnation: 1n, epoch: 42n }]);
});

it('enrols anew when fenced, once for all who ask', async () => {
  await lease.start();
  incarnation = 5n;
  await Promise.all([lease.renewNow(), lease.renewNow(), lease.renewNow()]);
  expect(lease.caller().incarnation).toBe(6n);
});

it('waits at start for a ledger that comes late, and gives up after 30 s', async () => {
  refusal = new SluiceError('unavailable');
  const starting = lease.start();
  await vi.advanceTimersByTimeAsync(3000);
  refusal = undefined;
  await vi.advanceTimersByTimeAsync(1000);
  await starting;
  expect(lease.caller().incarnation).toBe(1n);
});

it('gives up when the ledger stays away', async () => {
  refusal = new SluiceError('unavailable');
  const verdict = expect(lease.start()).rejects.toMatchObject({ code: 'unavailable' });
  await vi.advanceTimersByTimeAsync(40_000);
  await verdict;
});

it('says loudly when another process seems to use its name', async () => {
  await lease.start();
  for (let round = 0; round < 3; round += 1) {
    incarnation += 1n;
    await lease.renewNow();
  }
  expect(events).toContain('name-quarrel');
});
