import type { IdentityLedger, Standing } from '@sluice/ledger';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  acceptOne,
  claimIt,
  codeOf,
  completionOf,
  createLedgerFixture,
  dueNow,
  hold,
  type LedgerFixture,
  liftHolds,
  newRow,
  type TestSigner,
} from './ledger-fixture.js';

// Step 10 against a real PostgreSQL: every row of the fate table, and what can be cancelled.

let fixture: LedgerFixture;
let front: IdentityLedger;
let signer: TestSigner;
beforeAll(async () => {
  fixture = await createLedgerFixture('wait');
  front = await fixture.identity('front-1');
  signer = await fixture.signer('signer-1');
});
afterEach(() => liftHolds(fixture));
afterAll(() => fixture?.close());

const deadlineOf = (standing: Standing | undefined): bigint =>
  standing !== undefined && 'deadline' in standing ? BigInt(standing.deadline) : -1n;
const nowMicros = (): bigint => BigInt(Date.now()) * 1000n;

describe('the end of a wait', () => {
  const ttlMs = 3_600_000;
  const ttlFromNow = (standing: Standing): boolean => {
    const left = deadlineOf(standing) - nowMicros();
    return left > 3_500_000_000n && left < 3_700_000_000n;
  };

  it('queued, at the deadline this waiter knows: expired, none was begun', async () => {
    const { requestId } = await acceptOne(front);
    const deadline = await dueNow(fixture, requestId);
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({ state: 'expired', withheld: false });
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({ state: 'expired' });
    expect((await signer.claim(1, { requestIds: [requestId] })).claimed).toEqual([]);
  });

  it('queued, and somebody else waits longer: it goes on, for its time to live', async () => {
    const { requestId, deadline } = await acceptOne(front, { idempotencyKey: 'longer' });
    await front.join('demo', 'longer', Buffer.alloc(32, 1), 120_000);
    const standing = await front.decide(requestId, deadline, ttlMs);
    expect(standing).toMatchObject({ state: 'queued' });
    expect(ttlFromNow(standing)).toBe(true);
  });

  it('queued, at a deadline that is not due: whoever joined with a shorter wait ends nobody else’s', async () => {
    const { requestId, deadline } = await acceptOne(front, { waitMs: 6000 });
    const standing = await front.decide(requestId, deadline, ttlMs);
    expect(standing).toMatchObject({ state: 'queued' });
    expect(ttlFromNow(standing)).toBe(true);
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({ state: 'queued' });
  });

  it('two waiters in one batch, of whom one knows the deadline: one fate for both', async () => {
    const { requestId } = await acceptOne(front);
    const deadline = await dueNow(fixture, requestId);
    const both = [front.decide(requestId, '1', ttlMs), front.decide(requestId, deadline, ttlMs)];
    expect((await Promise.all(both)).map(({ state }) => state)).toEqual(['expired', 'expired']);
  });

  it('being signed: it goes on, for its time to live', async () => {
    const { requestId, deadline } = await acceptOne(front);
    const row = await claimIt(signer, requestId);
    const standing = await front.decide(requestId, deadline, ttlMs);
    expect(standing).toMatchObject({ state: 'signing', attempt: 1 });
    expect(ttlFromNow(standing)).toBe(true);
    expect(await signer.ledger.complete(signer.caller, [completionOf(row)])).toEqual(['issued']);
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({
      state: 'issued',
      serial: Buffer.from(row.serial),
    });
  });

  it('claimed before, burned, queued again: expired and withheld', async () => {
    const { requestId } = await acceptOne(front);
    await signer.ledger.burn(signer.caller, [{ ...(await claimIt(signer, requestId)), code: 'token-failed' }]);
    expect(await front.decide(requestId, await dueNow(fixture, requestId), ttlMs)).toMatchObject({
      state: 'expired',
      withheld: true,
    });
  });

  it('claimed before, released, queued again: expired, none was begun', async () => {
    const { requestId } = await acceptOne(front);
    await signer.ledger.release(signer.caller, [{ ...(await claimIt(signer, requestId)), code: 'draining' }]);
    expect(await front.decide(requestId, await dueNow(fixture, requestId), ttlMs)).toMatchObject({
      state: 'expired',
      withheld: false,
    });
  });

  it.each([{ ca: 'root' }, { profile: 'tls' }])('held by %o: parked', async (what) => {
    const { requestId } = await acceptOne(front);
    await hold(fixture, what);
    expect(await front.decide(requestId, await dueNow(fixture, requestId), ttlMs)).toMatchObject({ state: 'parked' });
  });

  it('held by the quarantine of its CA: parked', async () => {
    await fixture.makeCa('sick');
    const { requestId } = await acceptOne(front, { ca: 'sick', profile: 'sick-tls' });
    await fixture.sql(`update registry.ca set quarantined = true where name = 'sick'`);
    expect(await front.decide(requestId, await dueNow(fixture, requestId), ttlMs)).toMatchObject({ state: 'parked' });
  });

  it('attempts used up: failed stays', async () => {
    const { requestId, deadline } = await acceptOne(front);
    for (let loss = 0; loss < 3; loss += 1)
      await signer.ledger.burn(signer.caller, [{ ...(await claimIt(signer, requestId)), code: 'internal' }]);
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({ state: 'failed' });
  });

  it('rejected stays, with its code', async () => {
    const { requestId, deadline } = await acceptOne(front);
    const row = await claimIt(signer, requestId);
    await signer.ledger.reject(signer.caller, [{ ...row, code: 'key-weak', detail: 'too short' }]);
    const standing = { state: 'rejected', code: 'key-weak', detail: 'too short', withheld: false };
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject(standing);
  });

  it('rejected after a burn: withheld, since a signature may exist', async () => {
    const { requestId, deadline } = await acceptOne(front);
    await signer.ledger.burn(signer.caller, [{ ...(await claimIt(signer, requestId)), code: 'token-failed' }]);
    const row = await claimIt(signer, requestId);
    await signer.ledger.reject(signer.caller, [{ ...row, code: 'key-weak', detail: 'too short' }]);
    expect(await front.decide(requestId, deadline, ttlMs)).toMatchObject({ state: 'rejected', withheld: true });
  });

  it('of a request nobody knows', async () => {
    expect(await codeOf(front.decide(newRow().requestId, '1', ttlMs))).toBe('not-found');
  });
});

describe('cancel', () => {
  it('ends what is queued or shelved, for its account only', async () => {
    const { requestId } = await acceptOne(front);
    expect(await front.cancel(requestId, 'other')).toBeUndefined();
    expect(await front.read(requestId)).toMatchObject({ state: 'queued' });
    await hold(fixture, { ca: 'root' });
    await front.decide(requestId, await dueNow(fixture, requestId), 1000);
    expect(await front.cancel(requestId, 'demo')).toMatchObject({ state: 'cancelled' });
    expect(await front.cancel(requestId, 'demo')).toMatchObject({ state: 'cancelled' });
  });

  it('leaves what is being signed', async () => {
    const { requestId } = await acceptOne(front);
    const row = await claimIt(signer, requestId);
    expect(await front.cancel(requestId, 'demo')).toMatchObject({ state: 'signing' });
    await signer.ledger.complete(signer.caller, [completionOf(row)]);
    expect(await front.cancel(requestId, 'demo')).toMatchObject({ state: 'issued' });
  });
});
