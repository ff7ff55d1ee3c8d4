import { beforeEach, expect, it } from 'vitest';
import { createMemoryRegistryStore, type MemoryRegistryStore } from '../testing/memory-registry-store.js';
import { queueIn } from '../testing/queue-in.js';
import type { AdminContext } from './admin-context.js';
import { createAccount } from './create-account.js';
import { setAccountLimits } from './set-account-limits.js';
import { showAccount } from './show-registry.js';

const now = new Date('2026-11-21T10:00:00Z');

let store: MemoryRegistryStore;
let context: AdminContext;
beforeEach(async () => {
  store = createMemoryRegistryStore(now);
  const clock = (): Date => now;
  const randomBytes = (length: number): Uint8Array => new Uint8Array(length);
  context = { name: 'registry-1', store, queue: queueIn(store), clock, ledgerClock: clock, randomBytes };
  await createAccount(context, 'alice', { name: 'acme', profiles: [], limits: { rate_per_second: 5, burst: 10 } });
});
const set = (limits: Parameters<typeof setAccountLimits>[3]['limits'], dry_run = false) =>
  setAccountLimits(context, 'alice', 'acme', { limits, reason: 'drill', dry_run });
const shown = async () => (await showAccount(context, 'acme')).limits;

it('what is named is set, null takes it back, the rest stays', async () => {
  expect(await shown()).toEqual({ rate_per_second: 5, burst: 10 });
  expect(await set({ burst: 20, orders_per_day: 7 }, true)).toMatchObject({ dry_run: true, limits: { burst: 20 } });
  expect(await shown()).toEqual({ rate_per_second: 5, burst: 10 });
  const epoch = String((await store.epoch()) + 1n);
  const limits = { burst: 20, orders_per_day: 7 };
  expect(await set({ rate_per_second: null, ...limits })).toEqual({ dry_run: false, epoch, name: 'acme', limits });
  expect(await shown()).toEqual(limits);
});

it('what changes nothing is refused, and so is an account that is not there', async () => {
  for (const limits of [{}, { burst: 10 }, { orders_per_day: null }])
    await expect(set(limits)).rejects.toMatchObject({ code: 'conflict' });
  const nobody = setAccountLimits(context, 'alice', 'nobody', { limits: { burst: 1 }, reason: 'drill' });
  await expect(nobody).rejects.toMatchObject({ code: 'not-found' });
});
