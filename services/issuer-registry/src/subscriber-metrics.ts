import { isAwaited, lagEpochs, standingFor, subscriberStandings } from '@sluice/issuance';
import type { RegistryStore } from '@sluice/ledger';
import type { Log } from '@sluice/lifecycle';
import type { Metrics } from '@sluice/telemetry';
import { hearingOf } from './views/subscriber-view.js';

export interface SubscriberMetricsOptions {
  readonly metrics: Metrics;
  readonly store: Pick<RegistryStore, 'epoch' | 'confirmedEpoch' | 'subscribers' | 'quarantines' | 'proposals'>;
  /** The ledger's time. */
  readonly ledgerClock: () => Date;
  readonly log: Log;
}

/** Series are bounded: whoever may enrol may choose a name. */
const shownMax = 1000;

const labels = ['subscriber', 'subscriber_service'] as const;

/**
 * Who has applied what, from the ledger when it is asked for; without it the figures are absent. All registry processes
 * tell the same: rules take one of them (`max by`).
 */
export function createSubscriberMetrics({ metrics, store, ledgerClock, log }: SubscriberMetricsOptions): void {
  async function read() {
    const epoch = await store.epoch();
    const [confirmed, rows, quarantines, proposals] = await Promise.all([
      store.confirmedEpoch(),
      store.subscribers(),
      store.quarantines(),
      store.proposals(),
    ]);
    const now = ledgerClock();
    const subscribers = rows.filter(({ service }) => isAwaited(service)).slice(0, shownMax);
    return { epoch, confirmed, now, quarantines, proposals, subscribers };
  }
  type Facts = Awaited<ReturnType<typeof read>>;
  type Row = Facts['subscribers'][number];

  let reading: Promise<Facts | undefined> | undefined;
  /** Every figure of one collection is of one reading. */
  function facts(): Promise<Facts | undefined> {
    reading ??= read()
      .catch((err: unknown) => {
        log.warn({ event: 'metric-absent', what: 'subscribers', err }, 'a figure could not be read from the ledger');
        return undefined;
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  }
  function single(name: string, help: string, value: (facts: Facts) => number): void {
    metrics.gauge(name, help, [], async (gauge) => {
      const read = await facts();
      gauge.reset();
      if (read === undefined) gauge.remove();
      else gauge.set(value(read));
    });
  }
  function perSubscriber(name: string, help: string, value: (row: Row, facts: Facts) => number): void {
    metrics.gauge(name, help, labels, async (gauge) => {
      const read = await facts();
      gauge.reset();
      for (const row of read?.subscribers ?? []) {
        gauge.set({ subscriber: row.name, subscriber_service: row.service }, value(row, read as Facts));
      }
    });
  }

  single('registry_epoch', 'Epoch of the registry', ({ epoch }) => Number(epoch));
  single('registry_confirmed_epoch', 'Epoch that every subscriber that can act has proved to act on', ({ confirmed }) =>
    Number(confirmed),
  );
  single('proposals_waiting', 'Acts that wait for a second operator', ({ proposals }) => proposals.length);
  perSubscriber('subscriber_epoch', 'Epoch that it proved to act on', (row) => Number(row.acknowledgedEpoch));
  perSubscriber('subscriber_applied_epoch', 'Epoch that it says it acts on', (row) => Number(row.appliedEpoch));
  perSubscriber('subscriber_lag_epochs', 'Epochs that it has yet to prove', (row, { epoch }) =>
    Number(lagEpochs(epoch, { acknowledged: row.acknowledgedEpoch, applied: row.appliedEpoch })),
  );
  perSubscriber(
    'subscriber_acknowledged_age_seconds',
    'Since an acknowledgement of its was last accepted that proved a later epoch, or since it enrolled',
    (row, { now }) => (now.getTime() - (row.acknowledgedAt ?? row.enrolledAt).getTime()) / 1000,
  );
  perSubscriber(
    'subscriber_heard_age_seconds',
    'Since it last said what it acts on, or refused',
    (row, { now }) => (now.getTime() - hearingOf(row).heardAt.getTime()) / 1000,
  );
  metrics.gauge('subscriber_standing', '1 for its standing', [...labels, 'standing'], async (gauge) => {
    const read = await facts();
    gauge.reset();
    if (read === undefined) return;
    for (const row of read.subscribers) {
      const now = standingFor(read.epoch, hearingOf(row), read.now);
      for (const standing of subscriberStandings) {
        const subscriber = { subscriber: row.name, subscriber_service: row.service };
        gauge.set({ ...subscriber, standing }, standing === now ? 1 : 0);
      }
    }
  });
  metrics.gauge(
    'ca_quarantined',
    '1: its key is missing, on that token or (empty) on all',
    ['ca', 'token'],
    async (gauge) => {
      const read = await facts();
      gauge.reset();
      for (const { ca, token } of read?.quarantines ?? []) gauge.set({ ca, token: token ?? '' }, 1);
    },
  );
}
