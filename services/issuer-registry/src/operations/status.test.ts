import type { CaRow, QueueRow, SubscriberRow } from '@sluice/ledger';
import type { Status } from '@sluice/registry-protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryRegistryStore, type MemoryRegistryStore } from '../testing/memory-registry-store.js';
import { newSubscriber } from '../testing/memory-subscriber-store.js';
import { queueIn } from '../testing/queue-in.js';
import { workView } from '../views/work-view.js';
import type { AdminContext } from './admin-context.js';
import { nextSteps } from './next-steps.js';
import { readStatus } from './read-status.js';
import { showCa } from './show-registry.js';

const now = new Date('2026-11-21T10:00:00Z');
const at = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);

const waiting = (more: Partial<QueueRow>): QueueRow => ({
  ...{ class: 'interactive', keyGroup: 'default', ca: 'tls', queued: 0, signing: 0, held: 0, parked: 0, failed: 0 },
  ...{ oldestAgeMs: 0, accepted: 0, topAccount: null, topOpen: 0, ...more },
});
const work = (...rows: QueueRow[]): Status['work'] => workView({ at: now, rows, rates: new Map() });

let store: MemoryRegistryStore;
let context: AdminContext;
beforeEach(() => {
  store = createMemoryRegistryStore(now);
  const clock = (): Date => now;
  context = {
    name: 'registry-1',
    store,
    queue: queueIn(store),
    clock,
    ledgerClock: clock,
    randomBytes: (length) => new Uint8Array(length),
  };
});

async function subscribersNow(...rows: SubscriberRow[]): Promise<Status['subscribers']> {
  store.subscriberRows = rows;
  const { subscribers } = await readStatus(context);
  store.subscriberRows = [];
  return subscribers;
}

describe('status', () => {
  it('tells each subscriber’s standing, and what to do about it', async () => {
    const row = newSubscriber({
      name: '',
      service: 'signer',
      acknowledgedEpoch: 1n,
      heardAt: at(-4),
      enrolledAt: at(-60),
    });
    const older = { ...row, acknowledgedEpoch: 0n };
    store.subscriberRows = [
      { ...row, name: 'a' },
      { ...older, name: 'b' },
      { ...older, name: 'c', heardAt: at(-16) },
      { ...older, name: 'd', heardAt: null },
      { ...older, name: 'e', heardAt: null, enrolledAt: at(-1) },
      { ...row, name: 'f', fenced: true },
      { ...older, name: 'g', refusedEpoch: 1n, refusedCode: 'internal', refusedReason: 'self-test\u001b[2J' },
      // The registry's own process reads the ledger, and is heard by its lease.
      { ...older, name: 'h', service: 'issuer-registry', renewedAt: at(-9) },
      { ...older, name: 'i', service: 'issuer-registry', renewedAt: at(-16) },
    ];
    const { subscribers, next_steps } = await readStatus(context);
    expect(Object.fromEntries(subscribers.map(({ name, standing }) => [name, standing]))).toEqual({
      a: 'applied',
      b: 'pending',
      c: 'silent',
      d: 'silent',
      e: 'pending',
      f: 'fenced',
      g: 'refused',
      h: 'applied',
      i: 'silent',
    });
    expect(subscribers.filter(({ silent }) => silent).map(({ name }) => name)).toEqual(['c', 'd', 'i']);
    expect(next_steps).toEqual([
      expect.stringContaining('b (signer) is pending and has applied epoch 0 of 1: it still ends'),
      expect.stringMatching(/^c .* is silent .*runbooks\/subscriber-silent\.md/),
      expect.stringContaining('d (signer) is silent'),
      expect.stringContaining('e (signer) is pending'),
      expect.stringContaining("sluice subscribers forget f --reason '"),
      expect.stringContaining('g (signer) is refused (self-test [2J) and has applied epoch 0 of 1'),
      expect.stringContaining('i (issuer-registry) is silent'),
    ]);
  });

  it('shows what each says of itself, unless it is no report', async () => {
    const row = newSubscriber({ name: '', service: 'signer', acknowledgedEpoch: 1n, heardAt: now });
    const report = {
      ready: false,
      troubles: { token: 'does not answer', clock: '3600 s ahead of the ledger' },
      breakers: { ledger: 'closed', 'token:file': 'open' },
      clock_skew_ms: 3_600_000,
    };
    const sneaky = { ...report, troubles: { token: 'all is well\u001b[2J' } };
    store.subscriberRows = [
      { ...row, name: 'a', reported: report },
      { ...row, name: 'b', reported: sneaky },
      { ...row, name: 'c', reported: null },
      { ...row, name: 'd', reported: { ...report, ready: true, troubles: {} } },
    ];
    const { subscribers, next_steps } = await readStatus(context);
    expect(subscribers.map((subscriber) => subscriber.report?.ready)).toEqual([false, undefined, undefined, true]);
    expect(next_steps).toEqual([
      'a (signer) is not ready: token: does not answer · clock: 3600 s ahead of the ledger · breaker open: token:file.',
      'd (signer) is ready, but breaker open: token:file.',
    ]);
  });

  it('says what to do next, and nothing when all is well', async () => {
    const ca = {
      name: 'root',
      quarantined: false,
      quarantined_tokens: [],
      key_group: 'default',
      key_algorithm: 'ec-p256',
      issuer: 'root',
    };
    const calm = { ...(await readStatus(context)), next_steps: undefined };
    expect(nextSteps(calm)).toEqual([]);
    const [signer] = await subscribersNow(newSubscriber({ name: 's', service: 'signer', acknowledgedEpoch: 1n }));
    const subscribers = [signer as NonNullable<typeof signer>];
    const pending = (oldest_age_ms: number): string[] =>
      nextSteps({
        ...calm,
        subscribers,
        cas: [{ ...ca, state: 'pending', not_after: null }],
        work: work(waiting({ class: 'async', queued: 1, oldestAgeMs: oldest_age_ms })),
      });
    expect(pending(900)).toEqual([expect.stringContaining('a signer of key group default makes it')]);
    expect(pending(11_000)).toEqual([expect.stringContaining('no signer takes its work')]);
    const trouble = nextSteps({
      ...calm,
      cas: [
        { ...ca, state: 'pending', not_after: null },
        { ...ca, state: 'active', quarantined: true, not_after: '2026-12-01T00:00:00Z' },
        { ...ca, name: 'tls', state: 'active', quarantined_tokens: ['hsm-a'], not_after: null },
      ],
      work: work(
        waiting({ queued: 40, oldestAgeMs: 9000 }),
        waiting({ class: 'async', queued: 1, parked: 3, oldestAgeMs: 9000 }),
      ),
      proposals: [
        {
          verb: 'ca enable',
          subject: 'root',
          reason: 'over',
          proposed_by: 'alice',
          expires_at: '2026-11-21T11:00:00.000Z',
        },
      ],
      recent_ends: [
        { state: 'issued', code: null, count: 10 },
        { state: 'rejected', code: 'ca-disabled', count: 12 },
        { state: 'rejected', code: 'csr-invalid', count: 3 },
      ],
    });
    expect(trouble).toEqual([
      expect.stringContaining('no signer takes its work'),
      expect.stringMatching(/root is quarantined: .*runbooks\/signer-token-failure\.md/),
      expect.stringContaining('expires 2026-12-01'),
      expect.stringMatching(/tls is quarantined on hsm-a: .*runbooks\/signer-token-failure\.md/),
      expect.stringMatching(/^interactive work for tls waits \(40 queued, .* for 9 s\): .*runbooks\/queue-flood\.md/),
      expect.stringMatching(/^3 async requests for tls are parked.*runbooks\/release-parked\.md/),
      expect.stringContaining(
        "alice waits for a second operator until 2026-11-21T11:00:00.000Z: sluice ca enable root --reason 'over'",
      ),
      expect.stringContaining('12 requests ended rejected with ca-disabled'),
    ]);
  });

  it('tells what ages, the longest wait first, with what came lately and is done', async () => {
    const rates = new Map(
      ['tls', 'gone'].map((ca) => [
        `interactive default ${ca}`,
        { class: 'interactive', keyGroup: 'default', ca, arrivals: 8.04, drained: 7.96 } as const,
      ]),
    );
    const rows = [
      waiting({ queued: 1, oldestAgeMs: 10.4 }),
      waiting({ class: 'background', queued: 90, held: 30, oldestAgeMs: 5000, topAccount: 'acme', topOpen: 80 }),
    ];
    context = { ...context, queue: { now: async () => ({ at: now, rows, rates }) } };
    const { work: told } = await readStatus(context);
    expect(told).toMatchObject([
      {
        class: 'background',
        held: 30,
        oldest_age_ms: 5000,
        predicted_wait_ms: null,
        arrivals_per_second: 0,
        top_account: 'acme',
        top_open: 80,
      },
      {
        class: 'interactive',
        ca: 'tls',
        oldest_age_ms: 10,
        predicted_wait_ms: 126,
        arrivals_per_second: 8,
        drained_per_second: 8,
      },
      { ca: 'gone', queued: 0, arrivals_per_second: 8 },
    ]);
  });

  it('tells what floods, refused by front ends or ended in the ledger, and who is refused by which guard', async () => {
    const row = newSubscriber({ name: 'front-1', service: 'identity-api', acknowledgedEpoch: 1n, heardAt: now });
    const said = { ready: true, troubles: {}, breakers: { redis: 'probing' }, clock_skew_ms: 0 };
    const refusal = { ca: 'tls', account: 'acme', code: 'ca-disabled', per_minute: 600 };
    const reported = { ...said, refused: { 'ca-disabled': 600, 'lane-full': 30 }, refusals: [refusal] };
    store.subscriberRows = [
      { ...row, reported },
      { ...row, name: 'front-2', reported },
      { ...row, name: 'gone', fenced: true, reported },
    ];
    const end = { ca: 'tls', account: 'other', state: 'rejected', code: 'csr-invalid', count: 3 };
    store.ends = {
      since: at(-60),
      groups: [
        { ...end, state: 'issued', code: null, count: 5000 },
        ...Array.from({ length: 6 }, (_, i) => ({ ...end, account: `other-${i}`, count: i + 1 })),
      ],
    };
    store.holdRows = [
      {
        ...{ ca: 'tls', profile: null, account: null, class: 'background', fraction: 0.5 },
        ...{ keyGroup: null, arrivedBefore: null, reason: 'drill\u001b[2J' },
      },
      {
        ...{ ca: null, profile: null, account: null, class: 'async', fraction: null },
        ...{ keyGroup: 'default', arrivedBefore: at(-600), reason: 'old' },
      },
    ].map((hold) => ({ ...hold, operator: 'alice', expiresAt: at(60) }));
    const { floods, guards, recent_ends, next_steps } = await readStatus(context);
    expect(floods).toEqual([
      { ...refusal, per_minute: 1200, from: 'front-ends' },
      ...[6, 5, 4, 3].map((count) => ({
        ...{ ca: 'tls', account: `other-${count - 1}`, code: 'csr-invalid', per_minute: count, from: 'ledger' },
      })),
    ]);
    expect(guards.map(({ guard, subject, detail }) => `${guard} ${subject}: ${detail}`)).toEqual([
      'hold 50 %, ca tls, class background: until 2026-11-21T10:01:00.000Z, by alice: drill [2J',
      'hold class async, key group default, arrived before 2026-11-21T09:50:00.000Z: until 2026-11-21T10:01:00.000Z, by alice: old',
      'breaker redis: probing at front-1',
      'admission front-1: refused within the last minute: 30 lane-full',
      'breaker redis: probing at front-2',
      'admission front-2: refused within the last minute: 30 lane-full',
    ]);
    expect(recent_ends).toEqual([
      { state: 'issued', code: null, count: 5000 },
      { state: 'rejected', code: 'csr-invalid', count: 21 },
    ]);
    expect(next_steps).toContainEqual(
      expect.stringMatching(/^front-1 refused .*30 lane-full.*runbooks\/queue-flood\.md/),
    );
    expect(next_steps).toContainEqual(
      expect.stringMatching(
        /^acme is refused 1200 times a minute with ca-disabled for tls.*runbooks\/requests-rejected\.md/,
      ),
    );
  });

  it('tells of a transaction that keeps dead rows, when they are many and it is old', async () => {
    const advice = async (deadRows: number, oldestTransactionMs: number): Promise<string[]> => {
      store.vacuum = {
        deadRows,
        oldestTransactionMs,
        heldBy: '4711, role postgres, program psql, idle in transaction',
      };
      return (await readStatus(context)).next_steps;
    };
    expect(await advice(60_000, 600_000)).toEqual([
      expect.stringMatching(/open for 10 min \(4711, .*psql.*60000 dead rows .*runbooks\/open-transaction\.md/),
    ]);
    expect(await advice(49_000, 600_000)).toEqual([]);
    expect(await advice(60_000, 59_000)).toEqual([]);
  });

  it('shows with a CA what waits for it', async () => {
    store.cas.push({
      name: 'tls',
      quarantinedTokens: [],
      spki: null,
      certificate: null,
      subject: '{}',
      epoch: 1n,
      createdAt: now,
    } as unknown as CaRow);
    store.queueRows = [
      waiting({ queued: 5, signing: 1, held: 2 }),
      waiting({ class: 'async', queued: 1, parked: 4, failed: 1 }),
      waiting({ ca: 'another', queued: 100 }),
    ];
    expect((await showCa(context, 'tls')).work).toEqual({ queued: 6, signing: 1, held: 2, parked: 4, failed: 1 });
  });
});
