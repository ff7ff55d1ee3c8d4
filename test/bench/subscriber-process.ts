import { join } from 'node:path';
import { createIdentityLedger } from '@sluice/ledger';
import type { Log } from '@sluice/lifecycle';
import { createLease, createRegistryClient } from '@sluice/registry-client';

/** What the benchmark tells this process: the subscribers that live in it. */
export interface SubscribersOrder {
  readonly registryUrl: string;
  /** Of the role that front ends log in with. */
  readonly databaseUrl: string;
  /** Of their snapshots. */
  readonly dir: string;
  readonly subscribers: readonly { readonly name: string; readonly privateKeyPem: string }[];
}

const none = (): void => undefined;
/** That the registry is away is what is measured. */
const log: Log = { info: none, warn: none, error: (facts, message) => console.error(message, facts) };
const report = async () => ({
  ready: true,
  troubles: {},
  breakers: {},
  clock_skew_ms: null,
  refused: {},
  refusals: [],
});

/** As it would be when a machine starts: one after the other. */
async function followAll({ registryUrl, databaseUrl, dir, subscribers }: SubscribersOrder): Promise<void> {
  const ledger = createIdentityLedger({ url: databaseUrl });
  for (const { name, privateKeyPem } of subscribers) {
    const lease = createLease({
      enrol: () => ledger.enrol(name, registry.appliedEpoch()),
      renew: ledger.renew,
      appliedEpoch: () => registry.appliedEpoch(),
      report,
      log,
    });
    const registry = createRegistryClient({
      ...{ registryUrl, serviceName: name, privateKeyPem, snapshotFile: join(dir, `${name}.snapshot`), lease, log },
      clock: () => new Date(),
      // Lease, stream, digests, file and acknowledgements are a front end's; there is nothing more to apply.
      prepare: () => none,
      earlierEnded: async () => undefined,
      // That all of them have begun is not what is measured: not on a busy machine either.
      firstSnapshotMs: 120_000,
    });
    await registry.fromDisk.start();
    await lease.start();
    await registry.stream.start();
  }
}

process.once('message', (order: SubscribersOrder) => {
  followAll(order).then(
    () => process.send?.('following'),
    (thrown: unknown) => {
      console.error(thrown);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit());
