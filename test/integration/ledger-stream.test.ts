import { randomBytes } from 'node:crypto';
import type { Caller, SubscriberRow } from '@sluice/ledger';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { acknowledge, codeOf, createLedgerFixture, type LedgerFixture, type TestSigner } from './ledger-fixture.js';

// What the ledger keeps of a stream: whose it is, what was proved over it, what was refused.

let fixture: LedgerFixture;
let signer: TestSigner;
let caller: Caller;
let epoch: bigint;
beforeAll(async () => {
  fixture = await createLedgerFixture('stream');
});
afterAll(() => fixture?.close());
beforeEach(async () => {
  signer = await fixture.signer('signer-1');
  caller = signer.caller;
  epoch = (await fixture.registry.blockKey('alice', { spkiSha256: randomBytes(32), reason: 'test' })).epoch;
});

const row = async (): Promise<SubscriberRow | undefined> =>
  (await fixture.registry.subscribers()).find(({ name }) => name === 'signer-1');

it('acknowledgements belong to the stream that was opened last, and to the present incarnation', async () => {
  const { registry } = fixture;
  const [older, newer] = [randomBytes(16), randomBytes(16)];
  expect(await registry.streamOf('signer-1')).toBeUndefined();
  await registry.openStream('signer-1', caller.incarnation, older, 0n);
  await registry.openStream('signer-1', caller.incarnation, newer, 0n);
  expect(await registry.streamOf('signer-1')).toEqual({ incarnation: caller.incarnation, nonce: newer });
  const ack = { ...caller, epoch, nonce: newer };
  expect(
    await registry.acknowledge([
      { ...ack, nonce: older },
      { ...ack, incarnation: caller.incarnation - 1n },
      { ...ack, name: 'nobody' },
      { ...ack, epoch: epoch + 1n },
    ]),
  ).toEqual(Array(4).fill('conflict'));
  expect(await row()).toMatchObject({ acknowledgedEpoch: 0n, acknowledgedAt: null, heardAt: null });
  expect(await registry.acknowledge([ack, ack, { ...ack, nonce: older }])).toEqual([
    ...['acknowledged', 'acknowledged', 'conflict'],
  ]);
  expect(await row()).toMatchObject({ acknowledgedEpoch: epoch, appliedEpoch: epoch });

  await signer.ledger.enrol('signer-1', epoch);
  expect(await registry.streamOf('signer-1')).toBeUndefined();
  expect(await registry.acknowledge([ack])).toEqual(['conflict']);
  expect(await codeOf(registry.openStream('signer-1', caller.incarnation, older, 0n))).toBe('fenced');
});

it('a stream begins with what the registry is to the state that the subscriber has', async () => {
  const { registry } = fixture;
  const open = (held: bigint) => registry.openStream('signer-1', caller.incarnation, randomBytes(16), held);
  const [one, none] = [await open(epoch), await open(epoch + 7n)];
  expect(one).toEqual({ history: none.history, restoredEpoch: 0n, sealed: await registry.digestOf(epoch) });
  expect(none.sealed).toBeNull();
});

it('a restore is admitted by two who name the same epoch, past that one and past all that was heard of', async () => {
  const { registry } = fixture;
  await signer.ledger.renew(caller, epoch + 100n);
  expect(await registry.heardEpoch()).toBe(epoch + 100n);
  const past = epoch + 50n;
  expect(await registry.admitRestore('alice', past, 'lost')).toMatchObject({ standing: 'proposed', epoch });
  expect(await codeOf(registry.admitRestore('alice', past, 'lost'))).toBe('conflict');
  expect((await registry.proposals()).map(({ verb, subject }) => [verb, subject])).toEqual([
    ['registry-restored', String(past)],
  ]);
  const done = await registry.admitRestore('bob', past, 'lost');
  expect(done).toMatchObject({ standing: 'done', proposedBy: 'alice', epoch: epoch + 101n });
  expect(await registry.versionNow()).toMatchObject({ epoch: done.epoch });
  expect(await registry.changeAt(done.epoch)).toMatchObject({ kind: 'registry-restored', operator: 'bob' });
  const { restoredEpoch } = await registry.openStream('signer-1', caller.incarnation, randomBytes(16), epoch);
  expect(restoredEpoch).toBe(done.epoch);
  // What the first one saw is no more: a change in between begins it anew.
  await registry.admitRestore('alice', 1n, 'lost');
  await registry.blockKey('alice', { spkiSha256: randomBytes(32), reason: 'test' });
  expect(await registry.admitRestore('bob', 1n, 'lost')).toMatchObject({ standing: 'proposed' });
  for (const text of [
    `update registry.history set id = gen_random_uuid()`,
    `update registry.history set restored_epoch = 0`,
    `delete from registry.history`,
  ])
    expect(await codeOf(fixture.sql(text))).toBe('internal');
});

it('no acknowledgement is had without a nonce', async () => {
  const text = `select verdict from registry.acknowledge(array['signer-1'], array[$1::bigint], array[$2::bigint], array[null::bytea])`;
  expect(await fixture.sql(text, caller.incarnation, epoch)).toEqual([{ verdict: 'conflict' }]);
});

it('hearing of it again moves only the time it was heard; an older epoch takes nothing back', async () => {
  const { registry } = fixture;
  await acknowledge(registry, [caller], epoch);
  const first = await row();
  await acknowledge(registry, [caller], epoch);
  await acknowledge(registry, [caller], epoch - 1n);
  const last = await row();
  expect(last).toMatchObject({ acknowledgedEpoch: epoch, acknowledgedAt: first?.acknowledgedAt });
  expect(last?.heardAt?.getTime()).toBeGreaterThan(first?.heardAt?.getTime() ?? Number.NaN);
});

it('a refusal stands with its reason until the process enrols anew', async () => {
  const { registry } = fixture;
  const refusal = { ...caller, epoch, code: 'lint-failed', reason: 'profile tls does not compile' };
  expect(await codeOf(registry.refuse({ ...refusal, incarnation: 1n }))).toBe('conflict');
  expect(await codeOf(registry.refuse({ ...refusal, epoch: epoch + 1n }))).toBe('conflict');
  await registry.refuse(refusal);
  expect(await row()).toMatchObject({
    refusedEpoch: epoch,
    ...{ refusedCode: 'lint-failed', refusedReason: 'profile tls does not compile', acknowledgedEpoch: 0n },
  });
  await signer.ledger.enrol('signer-1');
  expect(await row()).toMatchObject({ refusedEpoch: null, refusedCode: null, heardAt: null });
});
