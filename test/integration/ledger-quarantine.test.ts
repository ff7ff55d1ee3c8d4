import { randomBytes } from 'node:crypto';
import type { IdentityLedger } from '@sluice/ledger';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  acceptOne,
  clear,
  codeOf,
  createLedgerFixture,
  dueNow,
  type LedgerFixture,
  newRow,
  type TestSigner,
} from './ledger-fixture.js';

// Goal: a key that is missing on one token costs nothing but that token: its CA's work is held there, untouched, and
// everywhere only when no token of the group is left. Method: two signers with a token each.

let fixture: LedgerFixture;
let front: IdentityLedger;
let left: TestSigner;
let right: TestSigner;
beforeAll(async () => {
  fixture = await createLedgerFixture('quarantine');
  front = await fixture.identity('front-1');
  await fixture.makeCa('sound');
});
afterAll(() => fixture?.close());
beforeEach(async () => {
  await clear(fixture);
  await fixture.sql(`update registry.subscriber set fenced = true where service = 'signer'`);
  left = await fixture.signer('left');
  right = await fixture.signer('right');
  await left.ledger.attachToken(left.caller, { token: 'token-l', keyGroup: 'default', identity });
  await right.ledger.attachToken(right.caller, { token: 'token-r', keyGroup: 'default', identity });
});

const detail = 'asked twice';
const identity = randomBytes(91);
const missing = ({ ledger, caller }: TestSigner, token: string, ca = 'root') =>
  ledger.keyMissing(caller, { ca, token, detail });
const expire = async (name: string): Promise<void> => {
  await fixture.sql(`update registry.subscriber set lease_until = now() - interval '1 s' where name = $1`, name);
  expect(await fixture.registry.fenceExpired()).toEqual([name]);
};
const standing = async (): Promise<object> => {
  const { cas } = await fixture.registry.entitiesSince(0n);
  const { quarantined, quarantinedTokens } = cas.find((ca) => (ca as { name: string }).name === 'root') as {
    quarantined: boolean;
    quarantinedTokens: string[];
  };
  return { quarantined, quarantinedTokens };
};
const untouched = async (requestId: string): Promise<void> => {
  const [row] = await fixture.sql('select state, attempt from ledger.work where request_id = $1', requestId);
  expect(row).toEqual({ state: 'queued', attempt: 0 });
  expect(await fixture.sql('select from ledger.serial where request_id = $1', requestId)).toEqual([]);
};
const claimedBy = async (signer: TestSigner, more = {}): Promise<string[]> =>
  (await signer.claim(8, more)).claimed.map(({ requestId }) => requestId);

describe('a key missing on one token', () => {
  it('is told to everybody, and holds the work on that token only, by policy and by ids', async () => {
    expect(await missing(left, 'token-l')).toBe('ca-token');
    expect(await standing()).toEqual({ quarantined: false, quarantinedTokens: ['token-l'] });
    const { requestId } = await acceptOne(front);
    const other = await acceptOne(front, { ca: 'sound', profile: 'sound-tls' });
    expect(await left.claim(8, { requestIds: [requestId] })).toEqual(nothing);
    // One place, and the flow before it in the round robin is passed over.
    expect((await left.claim(1)).claimed.map((row) => row.requestId)).toEqual([other.requestId]);
    await untouched(requestId);
    expect(await claimedBy(right)).toEqual([requestId]);
  });

  it('told again is no change', async () => {
    await missing(left, 'token-l');
    const epoch = await fixture.registry.epoch();
    expect(await missing(left, 'token-l')).toBe('ca-token');
    expect(await Promise.all([missing(left, 'token-l'), missing(left, 'token-l')])).toEqual(['ca-token', 'ca-token']);
    expect(await fixture.registry.epoch()).toBe(epoch);
    expect(await fixture.registry.changeAt(epoch)).toMatchObject({
      kind: 'ca-token-quarantine',
      subject: 'root',
      operator: 'left',
    });
  });

  it('quarantines the CA when no attached token of its group is left; one that is fenced does not count', async () => {
    expect(await missing(left, 'token-l')).toBe('ca-token');
    expect(await missing(right, 'token-r')).toBe('ca');
    expect(await standing()).toEqual({ quarantined: true, quarantinedTokens: ['token-l', 'token-r'] });
    await fixture.registry.liftQuarantine('alice', 'root', undefined, 'restored');
    expect(await standing()).toEqual({ quarantined: false, quarantinedTokens: [] });
    await fixture.sql(`update registry.subscriber set fenced = true where name = 'right'`);
    expect(await missing(left, 'token-l')).toBe('ca');
  });

  it('quarantines the CA when the signer of the last other token is fenced, once, and until a person lifts it', async () => {
    await fixture.signer('third'); // of no token: enrolled, and not attached
    await fixture.sql(`update registry.subscriber set enrolled_at = now() - interval '1 minute' where name = 'third'`);
    await missing(left, 'token-l');
    const epoch = await fixture.registry.epoch();
    await expire('right');
    expect(await standing()).toEqual({ quarantined: true, quarantinedTokens: ['token-l'] });
    expect(await fixture.registry.epoch()).toBe(epoch + 1n);
    expect(await fixture.registry.changeAt(epoch + 1n)).toMatchObject({ subject: 'root', operator: 'right' });
    right = await fixture.signer('right');
    await right.ledger.attachToken(right.caller, { token: 'token-r', keyGroup: 'default', identity });
    expect(await fixture.registry.fenceExpired()).toEqual([]);
    expect(await standing()).toMatchObject({ quarantined: true });
    await fixture.registry.liftQuarantine('alice', 'root', undefined, 'the other token is back');
    await expire('left');
    expect(await standing()).toEqual({ quarantined: false, quarantinedTokens: [] });
  });

  it('leaves the CA to a signer with another token that lives, or that has begun and not said which it has', async () => {
    const third = await fixture.signer('third');
    await missing(left, 'token-l');
    await third.ledger.attachToken(third.caller, { token: 'token-t', keyGroup: 'default', identity });
    await expire('right');
    expect(await standing()).toMatchObject({ quarantined: false });
    await fixture.signer('third');
    expect(await missing(left, 'token-l')).toBe('ca-token');
    await fixture.sql(`update registry.subscriber set enrolled_at = now() - interval '1 minute' where name = 'third'`);
    expect(await missing(left, 'token-l')).toBe('ca');
  });

  it.each([
    ['lives', `update registry.subscriber set enrolled_at = now() - interval '11 s' where name = 'third'`, []],
    [
      'is fenced',
      `update registry.subscriber set lease_until = now() - interval '1 s' where name = 'third'`,
      ['third'],
    ],
  ])(
    'decides a moment later what was left to a signer that never says which token it has and %s',
    async (_, then, gone) => {
      await expire('right');
      await fixture.signer('third');
      expect(await missing(left, 'token-l')).toBe('ca-token');
      expect(await fixture.registry.fenceExpired()).toEqual([]);
      expect(await standing()).toMatchObject({ quarantined: false });
      await fixture.sql(then);
      expect(await fixture.registry.fenceExpired()).toEqual(gone);
      expect(await standing()).toMatchObject({ quarantined: true });
      const epoch = await fixture.registry.epoch();
      await fixture.registry.fenceExpired();
      expect(await fixture.registry.epoch()).toBe(epoch);
    },
  );

  it('is lifted for one token, and the CA goes on there', async () => {
    await missing(left, 'token-l');
    await missing(right, 'token-r');
    const { requestId } = await acceptOne(front);
    expect(await claimedBy(left)).toEqual([]);
    await fixture.registry.liftQuarantine('alice', 'root', 'token-l', 'restored');
    expect(await standing()).toEqual({ quarantined: false, quarantinedTokens: ['token-r'] });
    expect(await codeOf(fixture.registry.liftQuarantine('alice', 'root', 'token-l', 'again'))).toBe('conflict');
    expect(await claimedBy(right)).toEqual([]);
    expect(await claimedBy(left)).toEqual([requestId]);
    await fixture.registry.liftQuarantine('alice', 'root', undefined, 'all');
    expect(await codeOf(fixture.registry.liftQuarantine('alice', 'root', undefined, 'again'))).toBe('conflict');
    expect(await codeOf(fixture.registry.liftQuarantine('alice', 'nobody', undefined, 'x'))).toBe('not-found');
  });

  it('is believed of one’s own token and group only, and never of a CA that is being destroyed', async () => {
    expect(await codeOf(missing(left, 'token-r'))).toBe('forbidden');
    await left.ledger.attachToken(left.caller, { token: 'token-l', keyGroup: 'other-group', identity });
    expect(await codeOf(missing(left, 'token-l'))).toBe('forbidden');
    expect(await codeOf(missing(right, 'token-r', 'nobody'))).toBe('ca-unknown');
    await fixture.makeCa('doomed');
    for (const state of ['disabled', 'retiring', 'destroying'])
      await fixture.sql(`update registry.ca set state = $1 where name = 'doomed'`, state);
    expect(await codeOf(missing(right, 'token-r', 'doomed'))).toBe('conflict');
    expect(
      await codeOf(
        right.ledger.keyMissing({ ...right.caller, incarnation: 1n }, { ca: 'root', token: 'token-r', detail }),
      ),
    ).toBe('fenced');
  });
});

describe('a token', () => {
  const attach = ({ ledger, caller }: TestSigner, token: string, its: Uint8Array) =>
    ledger.attachToken(caller, { token, keyGroup: 'default', identity: its });

  it('keeps the identity it came with: another under its name is refused, and is no token of that signer', async () => {
    const [own, other] = [randomBytes(91), randomBytes(91)];
    expect(await left.ledger.knowsToken('token-new')).toBe(false);
    const begun = await fixture.signer('left'); // anew, and of no token yet
    await attach(begun, 'token-new', own);
    expect(await left.ledger.knowsToken('token-new')).toBe(true);
    const again = await fixture.signer('right');
    expect(await codeOf(attach(again, 'token-new', other))).toBe('conflict');
    expect(await codeOf(missing(again, 'token-new'))).toBe('forbidden');
    await attach(again, 'token-new', own);
    await attach(again, 'token-new', own);
    expect(await missing(again, 'token-new')).toBe('ca');
    await expect(fixture.sql(`update registry.token set identity = $1`, Buffer.from(other))).rejects.toThrow();
  });

  it('is one when two signers bring it first at once', async () => {
    const both = [randomBytes(91), randomBytes(91)] as const;
    const codes = await Promise.all([
      codeOf(attach(left, 'token-raced', both[0])),
      codeOf(attach(right, 'token-raced', both[1])),
    ]);
    expect(codes.filter((code) => code === 'conflict')).toHaveLength(1);
  });
});

const nothing = { claimed: [], ended: [], stale: [], cursor: undefined };

describe('work of a CA that is quarantined altogether', () => {
  beforeEach(async () => {
    await missing(left, 'token-l');
    await missing(right, 'token-r');
  });

  it('is neither signed nor rejected, and parked when its time is up, by whoever comes first', async () => {
    const [decided, swept] = [await acceptOne(front), await acceptOne(front)];
    expect(await left.claim(8, { requestIds: [decided.requestId, swept.requestId] })).toMatchObject(nothing);
    await untouched(decided.requestId);
    const due = await dueNow(fixture, decided.requestId);
    expect(await front.decide(decided.requestId, due, 1000)).toMatchObject({ state: 'parked' });
    await fixture.sql('update ledger.work set deadline = now() where request_id = $1', swept.requestId);
    expect(await claimedBy(right, { requestIds: [swept.requestId] })).toEqual([]);
    await untouched(swept.requestId);
    expect((await right.ledger.sweep(right.caller)).ended).toEqual([{ requestId: swept.requestId, state: 'parked' }]);
    expect(await front.read(swept.requestId)).toMatchObject({ state: 'parked' });
    expect([await fixture.registry.parkedOf('root'), await fixture.registry.parkedOf('sound')]).toEqual([2, 0]);
  });

  it('is not counted as claimable', async () => {
    await acceptOne(front);
    expect(await front.readLoad()).toMatchObject({
      lanes: [{ queued: 1, claimable: 0, oldestAgeMs: 0, flows: 0, largest: [{ open: 1, ahead: 0 }] }],
    });
  });
});

it('a CA that its signer skips is left as it is, by policy and by ids, and takes nobody’s place', async () => {
  const rows = Array.from({ length: 8 }, () => newRow());
  await Promise.all(rows.map((row) => front.accept(row)));
  const other = await acceptOne(front, { ca: 'sound', profile: 'sound-tls' });
  const requestIds = rows.map(({ requestId }) => requestId);
  expect(await claimedBy(left, { requestIds, skipCas: ['root'] })).toEqual([]);
  const { claimed } = await left.claim(1, { skipCas: ['root'] });
  expect(claimed.map(({ requestId }) => requestId)).toEqual([other.requestId]);
  for (const requestId of requestIds) await untouched(requestId);
  expect((await claimedBy(right)).sort()).toEqual(requestIds.sort());
});

it('a key that goes missing while a claim waits for its CA is seen by that claim', async () => {
  const { requestId } = await acceptOne(front);
  const reporting = fixture.connect('signer', 1);
  const call = (text: string, ...values: unknown[]) => reporting.call({ name: '', text }, values);
  await call('begin');
  await call(`select registry.key_missing($1, $2, 'root', 'token-l', 'x')`, left.caller.name, left.caller.incarnation);
  // The CA is not free: its rows are left for the next turn.
  expect(await left.claim(1, { requestIds: [requestId] })).toMatchObject(nothing);
  await call('commit');
  expect(await left.claim(1, { requestIds: [requestId] })).toMatchObject(nothing);
  await untouched(requestId);
});
