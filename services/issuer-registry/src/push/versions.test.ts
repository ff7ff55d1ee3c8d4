import { expect, it } from 'vitest';
import { createMemoryRegistryStore } from '../testing/memory-registry-store.js';
import { createVersions } from './versions.js';

it('a frame is read once for all, and few are kept: of each of many epochs the state may be large', async () => {
  const store = createMemoryRegistryStore(new Date());
  const reads: bigint[] = [];
  const versions = createVersions({
    store: {
      versionNow: store.versionNow,
      entitiesSince: (epoch) => {
        reads.push(epoch);
        return store.entitiesSince(epoch);
      },
    },
    monotonicMs: () => 0,
    onChange: () => undefined,
  });
  await versions.look();
  for (let epoch = 1n; epoch <= 8n; epoch += 1n) await versions.since(epoch);
  await versions.since(1n);
  await versions.since(9n);
  expect(reads).toHaveLength(9);
  // 2 was asked for longest ago.
  await versions.since(1n);
  await versions.since(2n);
  expect(reads.slice(9)).toEqual([2n]);
});
