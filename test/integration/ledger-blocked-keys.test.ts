import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acceptOne, createLedgerFixture, type LedgerFixture, newRow, refusedWith } from './ledger-fixture.js';

// Goal: the block list grows by operators and by every revocation with keyCompromise, whichever verb writes it; each time
// with a new epoch; and nothing leaves it.

let fixture: LedgerFixture;
beforeAll(async () => {
  fixture = await createLedgerFixture('blocked');
});
afterAll(() => fixture?.close());

const hashOf = (spki: Uint8Array) => createHash('sha256').update(spki).digest();
const blocked = async () => Buffer.from((await fixture.registry.state()).blockedKeys).toString('hex');
const revoke = (requestId: string, serial: string, reason: number | null) =>
  fixture.sql(
    `insert into ledger.revocation (ca, serial, request_id, reason) values ('root', decode($1, 'hex'), $2, $3)`,
    serial,
    requestId,
    reason,
  );

describe('an operator', () => {
  it('blocks a key: once, with one new epoch, and it is in the state that subscribers get', async () => {
    const spkiSha256 = hashOf(Buffer.from('leaked'));
    const before = await fixture.registry.epoch();
    const first = await fixture.registry.blockKey('alice', { spkiSha256, reason: 'on a public web page' });
    expect(first).toEqual({ epoch: before + 1n, unchanged: false });
    const again = await fixture.registry.blockKey('bob', { spkiSha256, reason: 'another' });
    expect(again).toEqual({ epoch: before + 1n, unchanged: true });
    expect(await fixture.registry.epoch()).toBe(before + 1n);
    expect(await blocked()).toContain(spkiSha256.toString('hex'));
    const [row] = await fixture.registry.blockedKeys(1);
    expect(row).toMatchObject({ reason: 'on a public web page', blockedBy: 'alice', epoch: before + 1n });
  });

  it('blocks the same key as another at the same moment', async () => {
    const spkiSha256 = hashOf(Buffer.from('twice'));
    const both = ['alice', 'bob'].map((name) => fixture.registry.blockKey(name, { spkiSha256, reason: 'both' }));
    const answers = await Promise.all(both);
    expect(answers.map(({ unchanged }) => unchanged).sort()).toEqual([false, true]);
  });

  it('takes nothing off it', async () => {
    expect(await refusedWith(fixture.sql('delete from registry.blocked_key'))).toBe('SLT01');
    expect(await refusedWith(fixture.sql("update registry.blocked_key set reason = ''"))).toBe('SLT01');
    expect(await refusedWith(fixture.sql('truncate registry.blocked_key'))).toBe('SLT01');
  });
});

describe('a revocation', () => {
  it('with keyCompromise blocks the key of the certificate in its own transaction', async () => {
    const identity = await fixture.identity('front-1');
    const row = newRow();
    await acceptOne(identity, row);
    const before = await fixture.registry.epoch();
    await revoke(row.requestId, '51', 1);
    expect(await fixture.registry.epoch()).toBe(before + 1n);
    expect(await blocked()).toContain(hashOf(row.spki).toString('hex'));
    const [listed] = await fixture.registry.blockedKeys(1);
    expect(listed).toMatchObject({ reason: 'keyCompromise: serial 51 of root', blockedBy: '-ledger' });
    // Another certificate of the same key.
    await revoke(row.requestId, '52', 1);
    expect(await fixture.registry.epoch()).toBe(before + 1n);
  });

  it('for any other reason, or none, blocks nothing', async () => {
    const identity = await fixture.identity('front-2');
    const row = newRow();
    await acceptOne(identity, row);
    const before = await fixture.registry.epoch();
    await revoke(row.requestId, '53', null);
    await revoke(row.requestId, '54', 4);
    expect(await fixture.registry.epoch()).toBe(before);
    expect(await blocked()).not.toContain(hashOf(row.spki).toString('hex'));
  });

  it('with keyCompromise is refused when nobody knows the key', async () => {
    expect(await refusedWith(revoke(newRow().requestId, '55', 1))).toBe('SLT01');
  });
});

describe('a signer', () => {
  it('learns which of its keys are on it', async () => {
    const signer = await fixture.signer('signer-1');
    const [on, off] = [hashOf(Buffer.from('on')), hashOf(Buffer.from('off'))];
    await fixture.registry.blockKey('alice', { spkiSha256: on, reason: 'test' });
    expect(await signer.ledger.blockedKeys([off, on])).toEqual([on]);
    expect(await signer.ledger.blockedKeys([])).toEqual([]);
  });
});

describe('a full list', () => {
  it('takes no more from operators, and all the same from a revocation', async () => {
    await fixture.sql(
      `insert into registry.blocked_key (spki_sha256, reason, blocked_by, epoch)
       select sha256(int4send(i)), 'filler', 'test', -i from generate_series(1, 100000) i`,
    );
    const spkiSha256 = hashOf(Buffer.from('one more'));
    const before = await fixture.registry.epoch();
    await expect(fixture.registry.blockKey('alice', { spkiSha256, reason: 'x' })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await fixture.registry.epoch()).toBe(before);
    const row = newRow();
    await acceptOne(await fixture.identity('front-3'), row);
    await revoke(row.requestId, '56', 1);
    expect(await blocked()).toContain(hashOf(row.spki).toString('hex'));
  });
});
