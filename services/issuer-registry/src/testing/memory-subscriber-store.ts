import { randomUUID } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import type { Entities, SubscriberRow, SubscriberStore } from '@sluice/ledger';

/** What the subscribers' part of a registry in memory needs of the rest. */
export interface Surroundings {
  /** Throws while the store is away. */
  readonly here: () => void;
  readonly now: () => Date;
  readonly rows: () => readonly SubscriberRow[];
  readonly put: (rows: SubscriberRow[]) => void;
  readonly entitiesSince: (epoch: bigint) => Entities;
}

/** A subscriber that has only just enrolled. */
export function newSubscriber(more: Partial<SubscriberRow> & Pick<SubscriberRow, 'name' | 'service'>): SubscriberRow {
  return {
    incarnation: 1n,
    leaseUntil: new Date(0),
    fenced: false,
    appliedEpoch: 0n,
    floorEpoch: 0n,
    acknowledgedEpoch: 0n,
    acknowledgedAt: null,
    heardAt: null,
    refusedEpoch: null,
    refusedCode: null,
    refusedReason: null,
    token: null,
    keyGroup: null,
    enrolledAt: new Date(0),
    renewedAt: new Date(0),
    reported: null,
    ...more,
  };
}

/** Obeys the contract of SubscriberStore where a test can see it. */
export function createMemorySubscriberStore(
  around: Surroundings,
): Omit<SubscriberStore, 'proposals' | 'quarantines' | 'admitRestore'> & { epochGrew(): void } {
  const { here, rows } = around;
  const nonces = new Map<string, Uint8Array>();
  const listeners = new Set<() => void>();
  /** Of versions that were looked at. */
  const digests = new Map<bigint, Uint8Array>();
  const history = randomUUID();
  let confirmed = 0n;

  const present = (name: string, incarnation: bigint): SubscriberRow | undefined =>
    rows().find((row) => row.name === name && row.incarnation === incarnation && !row.fenced);
  const change = (name: string, to: Partial<SubscriberRow>): void =>
    around.put(rows().map((row) => (row.name === name ? { ...row, ...to } : row)));
  const newest = (): Entities => around.entitiesSince(0n);

  const store: ReturnType<typeof createMemorySubscriberStore> = {
    epochGrew() {
      // As at a commit: when the change is whole.
      queueMicrotask(() => {
        for (const listener of listeners) listener();
      });
    },
    async versionNow() {
      here();
      const { epoch, digest } = newest();
      digests.set(epoch, digest);
      return { epoch, digest };
    },
    async entitiesSince(epoch) {
      here();
      return around.entitiesSince(epoch);
    },
    async digestOf(epoch) {
      here();
      const now = newest();
      return now.epoch === epoch ? now.digest : digests.get(epoch);
    },
    async changeAt() {
      here();
      return undefined;
    },
    async onEpoch(listener) {
      listeners.add(listener);
      return {
        async close() {
          listeners.delete(listener);
        },
      };
    },
    async openStream(name, incarnation, nonce, heldEpoch) {
      here();
      if (present(name, incarnation) === undefined) throw new SluiceError('fenced');
      nonces.set(name, nonce);
      return { history, restoredEpoch: 0n, sealed: (await store.digestOf(heldEpoch)) ?? null };
    },
    async streamOf(name) {
      here();
      const row = rows().find((one) => one.name === name && !one.fenced);
      const nonce = nonces.get(name);
      return row === undefined || nonce === undefined ? undefined : { incarnation: row.incarnation, nonce };
    },
    async acknowledge(acks) {
      here();
      return acks.map(({ name, incarnation, epoch, nonce }) => {
        const row = present(name, incarnation);
        const stream = nonces.get(name);
        const otherStream = stream === undefined || Buffer.compare(nonce, stream) !== 0;
        if (row === undefined || otherStream || epoch > newest().epoch) return 'conflict';
        const isNew = epoch > row.acknowledgedEpoch;
        const heardAt = around.now();
        change(name, { heardAt, ...(isNew ? { acknowledgedEpoch: epoch, acknowledgedAt: heardAt } : {}) });
        return 'acknowledged';
      });
    },
    async refuse({ name, incarnation, epoch, code, reason }) {
      here();
      if (present(name, incarnation) === undefined || epoch > newest().epoch) throw new SluiceError('conflict');
      const proved = code === 'epoch-rolled-back' ? { acknowledgedEpoch: 0n, acknowledgedAt: null } : {};
      change(name, { heardAt: around.now(), refusedEpoch: epoch, refusedCode: code, refusedReason: reason, ...proved });
    },
    async fenceExpired() {
      here();
      const late = rows().filter(({ fenced, leaseUntil }) => !fenced && leaseUntil < around.now());
      for (const { name } of late) change(name, { fenced: true });
      return late.map(({ name }) => name);
    },
    async confirm() {
      here();
      const waitedFor = rows().filter(({ fenced, service }) => !fenced && service !== 'issuer-registry');
      const applied = waitedFor.reduce(
        (least, { acknowledgedEpoch }) => (acknowledgedEpoch < least ? acknowledgedEpoch : least),
        newest().epoch,
      );
      if (applied > confirmed) confirmed = applied;
      return confirmed;
    },
    async confirmedEpoch() {
      here();
      return confirmed;
    },
    async heardEpoch() {
      here();
      return rows().reduce((most, { appliedEpoch }) => (appliedEpoch > most ? appliedEpoch : most), confirmed);
    },
    async subscribers() {
      here();
      return [...rows()];
    },
    async forgetSubscriber(_operator, name) {
      here();
      const row = rows().find((one) => one.name === name);
      if (row === undefined) throw new SluiceError('not-found');
      if (!row.fenced) throw new SluiceError('conflict');
      around.put(rows().filter((one) => one !== row));
      return { standing: 'done' };
    },
  };
  return store;
}
