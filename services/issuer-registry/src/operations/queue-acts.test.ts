import type { ParkBody, ResubmitBody } from '@sluice/registry-protocol';
import { beforeEach, expect, it } from 'vitest';
import { createMemoryRegistryStore, type MemoryRegistryStore } from '../testing/memory-registry-store.js';
import { queueIn } from '../testing/queue-in.js';
import type { AdminContext } from './admin-context.js';
import { createAccount } from './create-account.js';
import { actOn, park, pauseLane, resubmit, resumeLane } from './queue-acts.js';

const now = new Date('2026-11-21T10:00:00Z');
const reason = 'drill';

let store: MemoryRegistryStore;
let context: AdminContext;
beforeEach(async () => {
  store = createMemoryRegistryStore(now);
  const clock = (): Date => now;
  const randomBytes = (length: number): Uint8Array => new Uint8Array(length);
  context = { name: 'registry-1', store, queue: queueIn(store), clock, ledgerClock: clock, randomBytes };
  await createAccount(context, 'alice', { name: 'acme', profiles: [] });
  store.bulk.matches = [{ state: 'queued', class: 'interactive', count: 5000, oldest: now, waiting: 7 }];
});
const parking = (filter: ParkBody['filter'], more: Partial<ParkBody> = {}) =>
  park(context, 'alice', { filter, for_s: 60, reason, ...more });
const refusal = async (call: Promise<unknown>): Promise<unknown> => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(store.bulk.acts).toEqual([]);
  return error;
};

it('a filter that matches everything takes a word more, also when it is written as a fraction of one', async () => {
  for (const filter of [{}, { fraction: 1 }])
    expect(await refusal(parking(filter))).toMatchObject({
      code: 'conflict',
      facts: { what_to_do: expect.stringMatching(/--all/) },
    });
  await parking({ fraction: 1 }, { all: true });
  await parking({ fraction: 0.5 });
  expect(store.bulk.acts).toHaveLength(2);
});

it('a name that there is not is refused with the nearest', async () => {
  const near = { code: 'not-found', facts: { nearest: ['acme'] } };
  expect(await refusal(parking({ account: 'acne' }))).toMatchObject(near);
});

it('a dry run says what it would be about, and changes nothing', async () => {
  const { receipt, preview } = await parking({ account: 'acme' }, { dry_run: true });
  expect([receipt, store.bulk.acts]).toEqual([null, []]);
  expect(preview).toMatchObject({ matched: 5000, waiting: 7, oldest: now.toISOString() });
});

it('what matches nothing is refused, unless it is to hold what arrives', async () => {
  store.bulk.matches = [];
  expect(await refusal(parking({ account: 'acme' }))).toMatchObject({ code: 'conflict' });
  await parking({ account: 'acme' }, { arriving: true });
  expect(store.bulk.acts).toHaveLength(1);
});

it('a lane that was paused twice goes on altogether', async () => {
  const lane = 'background.default';
  await expect(resumeLane(context, 'alice', { lane, reason })).rejects.toMatchObject({ code: 'conflict' });
  store.cas.push({ name: 'tls', keyGroup: 'default' } as (typeof store.cas)[number]);
  await pauseLane(context, 'alice', { lane, for_s: 60, reason });
  await pauseLane(context, 'bob', { lane, for_s: 600, reason });
  await resumeLane(context, 'alice', { lane, reason });
  expect(store.bulk.receiptRows.map(({ state }) => state)).toEqual(['undoing', 'undoing']);
});

it('what has expired is never resubmitted, and what was released or resubmitted is not undone', async () => {
  const body: ResubmitBody = { filter: { account: 'acme' }, states: ['parked', 'expired'], rate_per_s: 10, reason };
  expect(await refusal(resubmit(context, 'alice', body))).toMatchObject({ code: 'conflict' });
  const { receipt } = await resubmit(context, 'alice', { ...body, states: ['parked'] });
  await expect(actOn(context, 'alice', receipt?.id ?? '', 'undo', { reason })).rejects.toMatchObject({
    code: 'conflict',
    facts: { what_to_do: expect.stringMatching(/may be signed by now/) },
  });
  await actOn(context, 'alice', receipt?.id ?? '', 'stop', { reason });
  await expect(actOn(context, 'alice', receipt?.id ?? '', 'resume', { reason })).rejects.toMatchObject({
    code: 'conflict',
  });
});
