import { flowsListed } from '@sluice/issuance';
import type { IdentityLedger } from '@sluice/ledger';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  acceptMany,
  acceptOne,
  clear,
  codeOf,
  createLedgerFixture,
  hold,
  type LedgerFixture,
  newRow,
} from './ledger-fixture.js';

// What signers say they can sign, and what is open: what admission reckons with.

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

describe('the load', () => {
  let front: IdentityLedger;
  beforeAll(async () => {
    front = await fixture.identity('front-1');
    await fixture.makeCa('second');
  });
  beforeEach(async () => {
    await clear(fixture);
    await fixture.sql('delete from ledger.signer_capacity');
  });

  it('has what is open by flow, the largest first; what is held or overdue keeps nobody waiting', async () => {
    await acceptMany(front, 3);
    await acceptMany(front, 2, { account: 'other' });
    await acceptMany(front, 2, { account: 'other', ca: 'second', profile: 'second-tls', class: 'async' });
    const overdue = await acceptOne(front);
    await fixture.sql('update ledger.work set deadline = now() where request_id = $1', overdue.requestId);
    await hold(fixture, { account: 'other', ca: 'root' });
    const signer = await fixture.signer('signer-1');
    expect((await signer.claim(1)).claimed).toHaveLength(1);
    const { lanes, ageMs } = await front.readLoad();
    expect(ageMs).toBe(0);
    expect(lanes.toSorted((a, b) => (a.class < b.class ? 1 : -1))).toMatchObject([
      {
        ...{ class: 'interactive', keyGroup: 'default', queued: 5, claimable: 2, signing: 1, flows: 1 },
        largest: [
          { account: 'demo', ca: 'root', open: 4, ahead: 3 },
          { account: 'other', ca: 'root', open: 2, ahead: 0 },
        ],
      },
      {
        ...{ class: 'async', queued: 2, claimable: 2, signing: 0, flows: 1 },
        largest: [{ account: 'other', ca: 'second', open: 2, ahead: 2 }],
      },
    ]);
  });

  it('names the 100 largest flows of a lane, and counts the others', async () => {
    await fixture.sql(
      `insert into registry.account (name, state, epoch) select 'many-' || n, 'enabled', 1 from generate_series(1, 103) n`,
    );
    const rows = Array.from({ length: 103 }, (_, index) => newRow({ account: `many-${index + 1}` }));
    await Promise.all([...rows.map((row) => front.accept(row)), acceptMany(front, 2)]);
    const [lane] = (await front.readLoad()).lanes;
    expect(lane).toMatchObject({ queued: 105, flows: 104 });
    expect(lane?.largest).toHaveLength(flowsListed);
    expect(lane?.largest[0]).toEqual({ account: 'demo', ca: 'root', open: 2, ahead: 2 });
  });

  it('adds up what living signers said in the last seconds', async () => {
    const capacity = async () => (await front.readLoad()).capacities.default;
    const age = (signer: string) =>
      fixture.sql(`update ledger.signer_capacity set reported_at = now() - interval '6 s' where signer = $1`, signer);
    expect(await capacity()).toBeNull();
    const [left, right] = [await fixture.signer('left'), await fixture.signer('right')];
    await left.ledger.reportCapacity(left.caller, { keyGroup: 'default', perSecond: undefined });
    expect(await capacity()).toBeNull();
    await right.ledger.reportCapacity(right.caller, { keyGroup: 'default', perSecond: 12.5 });
    expect(await capacity()).toBe(12.5);
    await left.ledger.reportCapacity(left.caller, { keyGroup: 'default', perSecond: 30 });
    expect(await capacity()).toBe(42.5);
    await age('left');
    expect(await capacity()).toBe(12.5);
    await age('right');
    expect(await capacity()).toBe(0);
    await left.ledger.reportCapacity(left.caller, { keyGroup: 'default', perSecond: 7 });
    await fixture.sql(`update registry.subscriber set fenced = true where name = 'left'`);
    expect(await capacity()).toBe(0);
  });

  it('counts the front ends that live', async () => {
    const before = (await front.readLoad()).frontEnds;
    await fixture.identity('front-2');
    expect((await front.readLoad()).frontEnds).toBe(before + 1);
    await fixture.sql(`update registry.subscriber set fenced = true where name = 'front-2'`);
    expect((await front.readLoad()).frontEnds).toBe(before);
  });
});
