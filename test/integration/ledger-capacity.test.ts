import { afterAll, beforeAll, expect, it } from 'vitest';
import { codeOf, createLedgerFixture, type LedgerFixture } from './ledger-fixture.js';

// What signers say they can sign.

let fixture: LedgerFixture;
beforeAll(async () => {
  fixture = await createLedgerFixture('capacity');
});
afterAll(() => fixture?.close());

const reports = () =>
  fixture.sql('select signer, key_group, per_second from ledger.signer_capacity order by signer, key_group');

it('a signer has one report, its last one', async () => {
  const { ledger, caller } = await fixture.signer('signer-1');
  await ledger.reportCapacity(caller, { keyGroup: 'default', perSecond: undefined });
  expect(await reports()).toEqual([{ signer: 'signer-1', key_group: 'default', per_second: null }]);
  await ledger.reportCapacity(caller, { keyGroup: 'default', perSecond: 12.5 });
  await fixture.sql(`update ledger.signer_capacity set reported_at = reported_at - interval '1 h'`);
  await ledger.reportCapacity(caller, { keyGroup: 'default', perSecond: 0 });
  expect(await reports()).toEqual([{ signer: 'signer-1', key_group: 'default', per_second: 0 }]);
  await ledger.reportCapacity(caller, { keyGroup: 'other', perSecond: 3 });
  expect(await reports()).toEqual([{ signer: 'signer-1', key_group: 'other', per_second: 3 }]);
});

it('only the present incarnation reports, and only what is a rate', async () => {
  const older = await fixture.signer('twin');
  const { ledger, caller } = await fixture.signer('twin');
  const late = older.ledger.reportCapacity(older.caller, { keyGroup: 'default', perSecond: 1 });
  expect(await codeOf(late)).toBe('fenced');
  for (const perSecond of [-1, Number.POSITIVE_INFINITY, Number.NaN]) {
    await expect(ledger.reportCapacity(caller, { keyGroup: 'default', perSecond })).rejects.toThrow();
  }
  expect(await reports()).not.toContainEqual(expect.objectContaining({ signer: 'twin' }));
});
