import type { SubscriberRow } from '@sluice/ledger';
import type { Status } from '@sluice/registry-protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryRegistryStore, type MemoryRegistryStore } from '../testing/memory-registry-store.js';
import { newSubscriber } from '../testing/memory-subscriber-store.js';
import type { AdminContext } from './admin-context.js';
import { nextSteps } from './next-steps.js';
import { readStatus } from './read-status.js';

const now = new Date('2026-11-21T10:00:00Z');
const at = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);

let store: MemoryRegistryStore;
let context: AdminContext;
beforeEach(() => {
  store = createMemoryRegistryStore(now);
  const clock = (): Date => now;
  context = { name: 'registry-1', store, clock, ledgerClock: clock, randomBytes: (length) => new Uint8Array(length) };
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
        lanes: [{ lane: 'async.default', queued: 1, signing: 0, oldest_age_ms }],
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
      lanes: [
        { lane: 'interactive.default', queued: 40, signing: 0, oldest_age_ms: 9000 },
        { lane: 'async.default', queued: 1, signing: 0, oldest_age_ms: 9000 },
      ],
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
      expect.stringContaining('Lane interactive.default waits (40 queued, the oldest for 9 s)'),
      expect.stringContaining(
        "alice waits for a second operator until 2026-11-21T11:00:00.000Z: sluice ca enable root --reason 'over'",
      ),
      expect.stringContaining('12 requests ended rejected with ca-disabled'),
    ]);
  });
});
