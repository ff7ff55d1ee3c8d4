import { createHash } from 'node:crypto';
import type { CaRow } from '@sluice/ledger';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryRegistryStore, type MemoryRegistryStore } from '../testing/memory-registry-store.js';
import { newSubscriber } from '../testing/memory-subscriber-store.js';
import { queueIn } from '../testing/queue-in.js';
import type { AdminContext } from './admin-context.js';
import { admitRestore } from './admit-restore.js';
import { addApiKey, revokeApiKey } from './api-keys.js';
import { type CaVerb, changeCaState } from './change-ca-state.js';
import { forgetSubscriber } from './forget-subscriber.js';
import { liftQuarantine } from './lift-quarantine.js';
import { listSubscribers, showChange } from './show-subscribers.js';
import { switchAccount, switchProfile } from './switch-state.js';

const now = new Date('2026-11-21T10:00:00Z');
const body = { reason: 'drill' };

let store: MemoryRegistryStore;
let context: AdminContext;
beforeEach(async () => {
  store = createMemoryRegistryStore(now);
  const clock = (): Date => now;
  let drawn = 0;
  const randomBytes = (length: number): Uint8Array => {
    drawn += 1;
    return new Uint8Array(length).fill(drawn);
  };
  context = { name: 'registry-1', store, queue: queueIn(store), clock, ledgerClock: clock, randomBytes };
  const subject = { subject: '{}', subjectDer: new Uint8Array() };
  const ca = { name: 'root', keyGroup: 'default', keyAlgorithm: 'ec-p256', issuer: 'root', certificateProfile: 'root' };
  await store.createCa('alice', { ...ca, ...subject });
});

function setCa(more: Partial<CaRow>): void {
  store.cas[0] = { ...(store.cas[0] as CaRow), ...more };
}
const stateOfCa = async (): Promise<string | undefined> => (await store.state()).cas[0]?.state;
const change = (operator: string, verb: CaVerb, more: object = {}) =>
  changeCaState(context, operator, 'root', verb, { ...body, ...more });

describe('a CA', () => {
  it.each([
    ['active', 'disable', 'disabled'],
    ['disabled', 'retire', 'retiring'],
  ] as const)('that is %s is changed by one operator: %s', async (from, verb, to) => {
    setCa({ state: from });
    const trial = await change('alice', verb, { dry_run: true });
    expect(trial).toMatchObject({ dry_run: true, state: from, done: true, proposal: null });
    expect(await stateOfCa()).toBe(from);
    expect(await change('alice', verb)).toMatchObject({ dry_run: false, state: to, done: true, proposal: null });
    expect(await stateOfCa()).toBe(to);
  });

  it.each([
    ['disabled', 'enable', 'active'],
    ['retiring', 'disable', 'disabled'],
  ] as const)('that is %s is changed by two: %s', async (from, verb, to) => {
    setCa({ state: from });
    const mine = { verb: `ca ${verb}`, subject: 'root', reason: 'drill', proposed_by: 'alice' };
    expect(await change('alice', verb, { dry_run: true })).toMatchObject({
      done: false,
      proposal: { ...mine, expires_at: null },
    });
    expect(store.proposalRows).toEqual([]);
    const proposed = { done: false, state: from, proposal: { ...mine, expires_at: '2026-11-21T11:00:00.000Z' } };
    expect(await change('alice', verb)).toMatchObject(proposed);
    // Nobody is two, not even to try.
    for (const dry_run of [true, false]) {
      await expect(change('alice', verb, { dry_run })).rejects.toMatchObject({
        code: 'conflict',
        facts: { what_to_do: expect.stringContaining(`sluice ca ${verb} root --reason 'drill'`) },
      });
    }
    expect(await change('bob', verb, { dry_run: true })).toMatchObject({ done: true, proposal: mine });
    expect(await stateOfCa()).toBe(from);
    expect(await change('bob', verb)).toMatchObject({ done: true, state: to, proposal: mine });
    expect(await stateOfCa()).toBe(to);
  });

  it('shows what another operator wrote without what would move a cursor', async () => {
    setCa({ state: 'disabled' });
    await change('alice', 'enable', { reason: 'ok\u001b[2J' });
    expect((await change('bob', 'enable', { dry_run: true })).proposal?.reason).toBe('ok [2J');
  });

  it.each([
    ['pending', 'disable'],
    ['pending', 'enable'],
    ['pending', 'retire'],
    ['active', 'enable'],
    ['active', 'retire'],
    ['disabled', 'disable'],
    ['retiring', 'enable'],
    ['retiring', 'retire'],
    ['destroying', 'disable'],
    ['destroyed', 'enable'],
  ] as const)('that is %s has no way by %s', async (state, verb) => {
    setCa({ state });
    await expect(change('alice', verb)).rejects.toMatchObject({ code: 'conflict', facts: { state } });
    expect(await stateOfCa()).toBe(state);
  });

  it('must be there', async () => {
    await expect(changeCaState(context, 'alice', 'nobody', 'disable', body)).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('a quarantine', () => {
  const lift = (token?: string, dry_run = false) =>
    liftQuarantine(context, 'alice', 'root', { ...body, dry_run, ...(token === undefined ? {} : { token }) });

  it('is lifted on one token, then wherever it is', async () => {
    setCa({ quarantined: true, quarantinedTokens: ['a', 'b'] });
    store.parked = 3;
    expect(await lift('a', true)).toMatchObject({ quarantined: true, quarantined_tokens: ['a', 'b'], parked: 3 });
    expect(await lift('a')).toMatchObject({ quarantined: false, quarantined_tokens: ['b'], parked: 3 });
    await expect(lift('a', true)).rejects.toThrow('root is not quarantined on token a');
    expect(await lift()).toMatchObject({ quarantined: false, quarantined_tokens: [] });
    await expect(lift(undefined, true)).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('a profile or an account', () => {
  it('is switched off and on, and refused when it is so already', async () => {
    await store.createAccount('alice', { name: 'acme', profiles: [], apiKeyHash: new Uint8Array(32) });
    const document = { validity_seconds: 1 };
    const profile = { name: 'tls', ca: 'root', purpose: 'subscriber' as const, document, timeToLiveS: 1, backdateS: 0 };
    await store.applyProfile('alice', profile);
    for (const [name, turn] of [
      ['acme', switchAccount],
      ['tls', switchProfile],
    ] as const) {
      const trial = await turn(context, 'alice', name, 'disabled', { ...body, dry_run: true });
      expect(trial).toMatchObject({ dry_run: true, state: 'enabled', done: true });
      for (const state of ['disabled', 'enabled'] as const) {
        expect(await turn(context, 'alice', name, state, body)).toMatchObject({ dry_run: false, state, done: true });
        await expect(turn(context, 'alice', name, state, body)).rejects.toMatchObject({ code: 'conflict' });
      }
      await expect(turn(context, 'alice', 'none', 'disabled', body)).rejects.toMatchObject({ code: 'not-found' });
    }
    const { accounts, profiles } = await store.state();
    expect([accounts[0]?.state, profiles[0]?.state]).toEqual(['enabled', 'enabled']);
  });
});

describe('API keys', () => {
  const hashOf = (key: string | null): string => createHash('sha256').update(String(key)).digest('hex');
  beforeEach(async () => {
    await store.createAccount('alice', { name: 'acme', profiles: [], apiKeyHash: new Uint8Array(32) });
  });
  const hashes = async (): Promise<string[]> =>
    ((await store.state()).accounts[0]?.apiKeyHashes ?? []).map((hash) => Buffer.from(hash).toString('hex'));

  it('are added, shown once, and revoked by their hash', async () => {
    expect(await addApiKey(context, 'alice', 'acme', { dry_run: true })).toMatchObject({ api_key: null });
    expect(await hashes()).toHaveLength(1);
    const { api_key, api_key_hash } = await addApiKey(context, 'alice', 'acme', {});
    expect(api_key_hash).toBe(hashOf(api_key));
    expect(await hashes()).toContain(hashOf(api_key));
    const revoked = { ...body, api_key_hash: hashOf(api_key) };
    const trial = await revokeApiKey(context, 'alice', 'acme', { ...revoked, dry_run: true });
    expect(trial).toMatchObject({ dry_run: true, api_keys_left: 1 });
    expect(await hashes()).toHaveLength(2);
    expect(await revokeApiKey(context, 'alice', 'acme', revoked)).toMatchObject({ dry_run: false, api_keys_left: 1 });
    expect(await hashes()).not.toContain(hashOf(api_key));
    await expect(revokeApiKey(context, 'alice', 'acme', revoked)).rejects.toMatchObject({ code: 'not-found' });
    await expect(addApiKey(context, 'alice', 'none', {})).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('a subscriber', () => {
  const row = newSubscriber({ name: 's', service: 'signer', heardAt: now, enrolledAt: now });

  it('is forgotten only when it is fenced', async () => {
    store.subscriberRows = [row];
    await expect(forgetSubscriber(context, 'alice', 's', body)).rejects.toMatchObject({ code: 'conflict' });
    store.subscriberRows = [{ ...row, fenced: true }];
    expect(await forgetSubscriber(context, 'alice', 's', { ...body, dry_run: true })).toMatchObject({ done: true });
    expect(store.subscriberRows).toHaveLength(1);
    expect(await forgetSubscriber(context, 'alice', 's', body)).toMatchObject({ done: true, proposal: null });
    expect(store.subscriberRows).toEqual([]);
    await expect(forgetSubscriber(context, 'alice', 's', body)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('takes two operators to be forgotten while a CA is retiring', async () => {
    setCa({ state: 'retiring' });
    store.subscriberRows = [{ ...row, fenced: true }];
    const trial = await forgetSubscriber(context, 'alice', 's', { ...body, dry_run: true });
    expect(trial).toMatchObject({ done: false, proposal: { verb: 'subscribers forget', subject: 's' } });
  });

  it('is listed with its standing for the newest version', async () => {
    store.subscriberRows = [{ ...row, acknowledgedEpoch: 2n }];
    const list = await listSubscribers(context);
    expect(list).toMatchObject({
      epoch: '2',
      subscribers: [{ name: 's', standing: 'applied', heard_at: now.toISOString() }],
    });
    expect(list.confirmed_epoch).toBe('0');
    await store.confirm();
    expect((await listSubscribers(context)).confirmed_epoch).toBe('2');
  });
});

describe('a registry that was put back', () => {
  const row = newSubscriber({ name: 's', service: 'signer', appliedEpoch: 100n });
  const restored = (operator: string, past: string, more: object = {}) =>
    admitRestore(context, operator, { ...body, past, ...more });

  it('goes on past what two operators name and what it has heard of', async () => {
    store.subscriberRows = [row];
    const trial = await restored('alice', '90', { dry_run: true });
    expect(trial).toMatchObject({ epoch: '2', heard_epoch: '100', done: false });
    expect(store.proposalRows).toEqual([]);
    expect(await restored('alice', '90')).toMatchObject({ done: false });
    await expect(restored('alice', '90')).rejects.toMatchObject({
      facts: { what_to_do: expect.stringContaining("sluice registry restored --past 90 --reason 'drill'") },
    });
    // Another epoch is another proposal.
    expect(await restored('bob', '120')).toMatchObject({ done: false });
    expect(await restored('bob', '90')).toMatchObject({ done: true, epoch: '101' });
    expect(await restored('alice', '120')).toMatchObject({ done: true, epoch: '121' });
  });
});

describe('a change', () => {
  beforeEach(() => {
    const changedAt = now;
    const was = { kind: 'ca-disable', subject: 'root', operator: 'alice', changedAt, lastClaimAt: undefined };
    store.changeAt = async (epoch) => (epoch === 2n ? { epoch, ...was } : undefined);
  });
  const row = newSubscriber({ name: 's', service: 'signer', heardAt: now });
  const applied = { ...row, acknowledgedEpoch: 2n };

  it.each([
    ['all have applied it', [applied, { ...applied, service: 'identity-api' }], true],
    ['one has not', [applied, row], false],
    ['one refused it', [{ ...row, refusedEpoch: 2n }], false],
    ['one is silent', [{ ...row, heardAt: new Date(0) }], false],
    ['that one is fenced', [applied, { ...row, fenced: true }], true],
    ['only the registry itself is behind', [{ ...row, service: 'issuer-registry' }], true],
    ['nobody is there', [], true],
  ])('is settled or not when %s', async (_, rows, settled) => {
    store.subscriberRows = rows;
    const view = await showChange(context, 2n);
    expect(view).toMatchObject({ epoch: '2', kind: 'ca-disable', last_claim_at: null, settled });
  });

  it('must have been', async () => {
    await expect(showChange(context, 3n)).rejects.toMatchObject({ code: 'not-found' });
  });
});
