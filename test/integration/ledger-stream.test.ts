import { randomBytes } from 'node:crypto';
import type { Caller, SubscriberRow } from '@sluice/ledger';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { codeOf, createLedgerFixture, type LedgerFixture, type TestSigner } from './ledger-fixture.js';

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
  await registry.openStream('signer-1', caller.incarnation, older);
  await registry.openStream('signer-1', caller.incarnation, newer);
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
  expect(await codeOf(registry.openStream('signer-1', caller.incarnation, older))).toBe('fenced');
});

it('hearing of it again moves only the time it was heard; an older epoch takes nothing back', async () => {
  const { registry } = fixture;
  await registry.acknowledge([{ ...caller, epoch }]);
  const first = await row();
  await registry.acknowledge([{ ...caller, epoch }]);
  await registry.acknowledge([{ ...caller, epoch: epoch - 1n }]);
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
