import { createHash, randomBytes } from 'node:crypto';
import type { Entities } from '@sluice/ledger';
import { canonicalJson, entitiesSchema, type Snapshot, stateDigest } from '@sluice/registry-protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, createLedgerFixture, type LedgerFixture, newRow, refusedWith, soon } from './ledger-fixture.js';

// Goal: whoever applies what the ledger says has changed computes the digest that the ledger sealed. Method: histories
// of the real verbs, also of several changes in one transaction; a subscriber's state is kept in memory beside them.

let fixture: LedgerFixture;
beforeAll(async () => {
  fixture = await createLedgerFixture('digest');
});
afterAll(() => fixture?.close());

it('JSON has the same canonical text in SQL and in TypeScript', async () => {
  // jsonb holds no U+0000 and no half of a surrogate pair; no document gets that far.
  const text = fc.string({ unit: 'binary' }).map((any) => any.replaceAll('\u0000', ''));
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('json'), { maxLength: 4 }),
      fc.dictionary(text, tie('json'), { maxKeys: 5, noNullPrototype: true }),
    ),
  }));
  const values = fc.sample(json, 500);
  const rows = await fixture.sql<{ canonical: string }>(
    'select registry.canonical(j) as canonical from jsonb_array_elements($1::jsonb) with ordinality t (j, i) order by i',
    JSON.stringify(values),
  );
  expect(rows.map(({ canonical }) => canonical)).toEqual(values.map(canonicalJson));
  // What other spellings PostgreSQL keeps of a number.
  const [row] = await fixture.sql<{ canonical: string }>(
    `select registry.canonical('{"b": 1.0, "a": [1e2, -0, 0.50]}') as canonical`,
  );
  expect(row?.canonical).toBe('{"a":[100,0,0.5],"b":1}');
});

/** What a subscriber holds, and how it takes what changed. */
class Subscriber {
  #epoch = 0n;
  #cas = new Map<string, object>();
  #profiles = new Map<string, object>();
  #accounts = new Map<string, object>();
  #blockedKeys = Buffer.alloc(0);

  async catchUp(): Promise<Entities> {
    const changed = await fixture.registry.entitiesSince(this.#epoch);
    const take = (held: Map<string, object>, bodies: readonly object[]): void => {
      for (const body of bodies) held.set((body as { name: string }).name, body);
    };
    take(this.#cas, changed.cas);
    take(this.#profiles, changed.profiles);
    take(this.#accounts, changed.accounts);
    this.#blockedKeys = Buffer.concat([this.#blockedKeys, ...changed.blockedKeys]);
    this.#epoch = changed.epoch;
    return changed;
  }

  state(): Snapshot {
    const entities = entitiesSchema.parse({
      cas: [...this.#cas.values()],
      profiles: [...this.#profiles.values()],
      accounts: [...this.#accounts.values()],
      blockedKeys: this.#blockedKeys.toString('base64'),
    });
    return { ...entities, epoch: String(this.#epoch) };
  }
}

const inOrder = <T extends { name: string }>(rows: readonly T[]): T[] =>
  rows.toSorted((one, other) => (one.name < other.name ? -1 : 1));

/** What the changes below can change. */
function essence({ cas, profiles, accounts, blockedKeys }: Snapshot): object {
  return {
    cas: inOrder(cas).map(({ name, state, quarantined, quarantinedTokens }) => ({
      ...{ name, state, quarantined, quarantinedTokens },
    })),
    profiles: inOrder(profiles).map(({ name, ca, state, revision, document }) => ({
      ...{ name, ca, state, revision, document },
    })),
    accounts: inOrder(accounts).map(({ name, state, profiles: allowed, apiKeyHashes }) => ({
      ...{ name, state, allowed, apiKeyHashes },
    })),
    blockedKeys,
  };
}

/** The same of the rows themselves. */
async function truth(): Promise<object> {
  const { cas, profiles, accounts, blockedKeys } = await fixture.registry.state();
  return essence({
    epoch: '0',
    cas: cas as never, // of these only what `essence` takes is looked at
    profiles: profiles.map((profile) => ({ ...profile })),
    accounts: accounts.map(({ name, state, profiles: allowed, apiKeyHashes, limits }) => ({
      ...{ name, state, profiles: [...allowed] },
      apiKeyHashes: apiKeyHashes.map((hash) => Buffer.from(hash).toString('hex')),
      ...(Object.keys(limits).length > 0 && { limits }),
    })),
    blockedKeys: Buffer.from(blockedKeys).toString('base64'),
  });
}

type Step = () => Promise<unknown>;
const few = fc.constantFrom('one', 'two', 'three');
const key = fc.nat({ max: 5 }).map((number) => createHash('sha256').update(`key ${number}`).digest());
const operator = fc.constantFrom('alice', 'bob');
const onOff = fc.constantFrom('enabled' as const, 'disabled' as const);
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(operator, few).chain(([who, ca]) =>
    fc.constantFrom<Step>(
      () => fixture.registry.disableCa(who, ca, 'test'),
      () => fixture.registry.enableCa(who, ca, 'test'),
      () => fixture.registry.retireCa(who, ca, 'test'),
    ),
  ),
  fc.tuple(few, fc.string({ unit: 'binary' }), fc.integer()).map(
    ([name, text, number]) =>
      () =>
        fixture.registry.applyProfile('alice', {
          ...{ name: `${name}-tls`, ca: name, purpose: 'subscriber', timeToLiveS: 60, backdateS: 0 },
          document: { [text.replaceAll('\u0000', '')]: [text.replaceAll('\u0000', ''), number] },
        }),
  ),
  fc.tuple(few, onOff).map(
    ([name, state]) =>
      () =>
        fixture.registry.setProfileState('bob', `${name}-tls`, state, 'test'),
  ),
  fc.tuple(few, onOff).map(
    ([name, state]) =>
      () =>
        fixture.registry.setAccountState('bob', name, state, 'test'),
  ),
  fc.tuple(few, fc.constantFrom(1, 2, null), fc.constantFrom(3, null, undefined)).map(
    ([name, burst, ordersPerDay]) =>
      () =>
        fixture.registry.setAccountLimits('alice', name, { burst, ordersPerDay }, 'test'),
  ),
  fc.tuple(few, key).map(
    ([name, hash]) =>
      () =>
        fixture.registry.addApiKey('alice', name, hash),
  ),
  fc.tuple(few, key).map(
    ([name, hash]) =>
      () =>
        fixture.registry.revokeApiKey('alice', name, hash, 'test'),
  ),
  key.map((spkiSha256) => () => fixture.registry.blockKey('alice', { spkiSha256, reason: 'test' })),
  fc.tuple(few, few).map(
    ([ca, token]) =>
      () =>
        fixture.sql(
          `do $$ begin perform registry.set_quarantine('test', 'ca-token-quarantine', '${ca}', array['z', '${token}', 'Ä'], true, 'test'); end $$`,
        ),
  ),
  few.map((ca) => () => fixture.registry.liftQuarantine('alice', ca, undefined, 'test')),
  // Several changes in one transaction, as a batch of revocations makes them: sealed once, with the last epoch.
  fc.tuple(few, key).map(
    ([name, hash]) =>
      () =>
        fixture.sql(
          `do $$ begin
         perform registry.put_blocked_key('test', '\\x${hash.toString('hex')}', 'test');
         perform registry.set_account_state('alice', '${name}', case when (select state from registry.account where name = '${name}') = 'enabled' then 'disabled' else 'enabled' end, 'test');
         perform registry.put_blocked_key('test', sha256('\\x${hash.toString('hex')}'), 'test');
       end $$`,
        ),
  ),
);

it('after each change of any history the digest of what is held is the sealed one, taken at once or step by step', async () => {
  const { registry } = fixture;
  for (const name of ['one', 'two', 'three']) {
    await fixture.makeCa(name);
    await registry.createAccount('alice', { name, profiles: [`${name}-tls`, 'tls'], apiKeyHash: randomBytes(32) });
  }
  const old = new Subscriber();
  await old.catchUp();
  let changes = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 12 }), async (history) => {
      for (const step of history) {
        const before = await registry.versionNow();
        await codeOf(step());
        const after = await registry.versionNow();
        expect(after.epoch).toBe(await registry.epoch());
        if (after.epoch === before.epoch) expect(after).toEqual(before);
        else changes += 1;
        const { epoch, digest } = await old.catchUp();
        expect({ epoch, digest }).toEqual(after);
        expect(Buffer.from(stateDigest(old.state()))).toEqual(digest);
      }
      const young = new Subscriber();
      const { digest } = await young.catchUp();
      expect(Buffer.from(stateDigest(young.state()))).toEqual(digest);
      expect(essence(young.state())).toEqual(await truth());
    }),
    { numRuns: 12 },
  );
  expect(changes).toBeGreaterThan(20);
});

describe('a version', () => {
  it('is told by its epoch, and there is none of an epoch that never was alone', async () => {
    const { registry } = fixture;
    const before = await registry.versionNow();
    expect(await registry.digestOf(before.epoch)).toEqual(before.digest);
    await fixture.sql(`do $$ begin
      perform registry.put_blocked_key('test', sha256('first'), 'test');
      perform registry.put_blocked_key('test', sha256('second'), 'test');
    end $$`);
    const after = await registry.versionNow();
    expect(after.epoch).toBe(before.epoch + 2n);
    expect(await registry.epoch()).toBe(after.epoch);
    expect(await registry.digestOf(before.epoch + 1n)).toBeUndefined();
    const { blockedKeys } = await registry.entitiesSince(before.epoch);
    expect(blockedKeys).toEqual(['first', 'second'].map((text) => createHash('sha256').update(text).digest()));
  });

  it('is not there before its commit, nor after a rollback', async () => {
    const before = await fixture.registry.versionNow();
    expect(
      await refusedWith(
        fixture.sql(`do $$ begin
          perform registry.put_blocked_key('test', sha256('never'), 'test');
          raise exception 'no' using errcode = 'SLC01';
        end $$`),
      ),
    ).toBe('SLC01');
    expect(await fixture.registry.versionNow()).toEqual(before);
  });

  it('and its entities are changed by nobody afterwards', async () => {
    for (const statement of [
      'update registry.version set epoch = epoch',
      'delete from registry.version',
      'truncate registry.version',
      'delete from registry.entity',
      'truncate registry.entity',
    ])
      expect(await refusedWith(fixture.sql(statement)), statement).toBe('SLT01');
  });
});

it('whoever listens hears of a change, and goes on after its connection broke', async () => {
  let heard = 0;
  const listening = await fixture.registry.onEpoch(() => {
    heard += 1;
  });
  const listener = `select pid from pg_stat_activity where datname = current_database() and query = 'listen sluice_epoch'`;
  try {
    await expect.poll(() => heard, soon).toBe(1);
    await fixture.registry.blockKey('alice', { spkiSha256: randomBytes(32), reason: 'test' });
    await expect.poll(() => heard, soon).toBe(2);
    await fixture.sql(`select pg_terminate_backend(pid) from (${listener}) l`);
    // What happened meanwhile was not heard: it calls back when it listens again.
    await expect.poll(() => heard, soon).toBe(3);
    await fixture.registry.blockKey('alice', { spkiSha256: randomBytes(32), reason: 'test' });
    await expect.poll(() => heard, soon).toBe(4);
  } finally {
    await listening.close();
  }
  await expect.poll(() => fixture.sql(listener), soon).toEqual([]);
});

it('tells what changed with an epoch, and when the last claim of it was', async () => {
  const { registry } = fixture;
  const front = await fixture.identity('front-1');
  const signer = await fixture.signer('signer-1');
  const account = 'demo';
  await front.accept(newRow({ account }));
  await signer.claim(1);
  const [claim] = await fixture.sql<{ at: Date }>('select max(claimed_at) as at from ledger.serial');
  const { epoch } = await registry.setAccountState('alice', account, 'disabled', 'test');
  expect(await registry.changeAt(epoch)).toMatchObject({
    ...{ epoch, kind: 'account-disable', subject: account, operator: 'alice', lastClaimAt: claim?.at },
  });
  const other = await registry.setAccountState('alice', 'other', 'disabled', 'test');
  expect(await registry.changeAt(other.epoch)).toMatchObject({ subject: 'other', lastClaimAt: undefined });
  const profile = await registry.setProfileState('alice', 'tls', 'disabled', 'test');
  expect(await registry.changeAt(profile.epoch)).toMatchObject({ kind: 'profile-disable', lastClaimAt: claim?.at });
  expect(await registry.changeAt(0n)).toBeUndefined();
});
