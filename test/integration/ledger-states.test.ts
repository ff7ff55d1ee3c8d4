import { createHash, randomBytes } from 'node:crypto';
import { type CaState, caStates, caTransitions } from '@sluice/issuance';
import { enrolOperator } from '@sluice/ledger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, createLedgerFixture, type LedgerFixture, newRow, refusedWith } from './ledger-fixture.js';

// Goal: CAs, profiles, accounts and API keys go only the ways that the tables name, whoever writes, and two operators
// are two. Method: every pair of states, by verb and as the superuser; approvals that are forged, old or for another.

const guard = 'SLT01';
let fixture: LedgerFixture;
beforeAll(async () => {
  fixture = await createLedgerFixture('states');
});
afterAll(() => fixture?.close());

let made = 0;
const newCa = async (): Promise<string> => {
  made += 1;
  const name = `ca-${made}`;
  await fixture.makeCa(name);
  return name;
};
const write = (name: string, state: CaState): Promise<string | undefined> =>
  refusedWith(
    fixture.sql(
      `with change as (select registry.record_change('owner', 'ca-state', $1, 'test', null, jsonb_build_object('state', $2::text)) as epoch)
       update registry.ca set state = $2, epoch = change.epoch from change where name = $1`,
      name,
      state,
    ),
  );
/** By the shortest way that there is, past the guards of the ways back. */
async function bring(name: string, state: CaState): Promise<void> {
  const way: Record<CaState, CaState[]> = {
    pending: [],
    active: [],
    disabled: ['disabled'],
    retiring: ['disabled', 'retiring'],
    destroying: ['disabled', 'retiring', 'destroying'],
    destroyed: ['disabled', 'retiring', 'destroying', 'destroyed'],
  };
  for (const next of way[state]) expect(await write(name, next)).toBeUndefined();
}
const stateOf = async (name: string): Promise<string | undefined> =>
  (await fixture.registry.state()).cas.find((ca) => ca.name === name)?.state;

describe('a CA', () => {
  const reachable = caStates.filter((state) => state !== 'pending');

  it.each(reachable)('in state %s is refused every way that the table does not name, whoever writes', async (from) => {
    for (const to of caStates.filter((state) => state !== from)) {
      const name = await newCa();
      await bring(name, from);
      const named = caTransitions[from].some((way) => way.to === to);
      const isBack = caStates.indexOf(to) < caStates.indexOf(from);
      expect(await write(name, to), `${from} → ${to}`).toBe(named && !isBack ? undefined : guard);
    }
  });

  it.each(reachable)('in state %s goes only where its verbs lead', async (from) => {
    const verbs = { disableCa: 'disabled', enableCa: 'active', retireCa: 'retiring' } as const;
    for (const [verb, to] of Object.entries(verbs) as [keyof typeof verbs, CaState][]) {
      const name = await newCa();
      await bring(name, from);
      const way = caTransitions[from].find((one) => one.to === to);
      const first = fixture.registry[verb]('alice', name, 'test');
      if (way === undefined) {
        expect(await codeOf(first), `${verb} of ${from}`).toBe('conflict');
        continue;
      }
      expect(await first).toMatchObject({ standing: way.twoPersons ? 'proposed' : 'done' });
      expect(await stateOf(name)).toBe(way.twoPersons ? from : to);
      if (!way.twoPersons) continue;
      expect(await fixture.registry[verb]('bob', name, 'test')).toMatchObject({
        standing: 'done',
        proposedBy: 'alice',
      });
      expect(await stateOf(name)).toBe(to);
    }
  });

  it('that nobody knows is not found', async () => {
    for (const verb of ['disableCa', 'enableCa', 'retireCa'] as const)
      expect(await codeOf(fixture.registry[verb]('alice', 'nobody', 'test'))).toBe('not-found');
  });
});

describe('two operators', () => {
  const disabled = async (): Promise<string> => {
    const name = await newCa();
    await fixture.registry.disableCa('alice', name, 'test');
    return name;
  };

  it('are not one who asks twice; both stand in the change', async () => {
    const { registry } = fixture;
    const name = await disabled();
    const proposed = await registry.enableCa('alice', name, 'repaired');
    expect(proposed).toMatchObject({ standing: 'proposed', proposedBy: 'alice', epoch: await registry.epoch() });
    expect(proposed.standing === 'proposed' && proposed.expiresAt.getTime() - Date.now()).toBeGreaterThan(3_500_000);
    expect(await codeOf(registry.enableCa('alice', name, 'repaired'))).toBe('conflict');
    const { epoch } = await registry.enableCa('bob', name, 'seen');
    const [change] = await fixture.sql('select operator, reason, after from registry.change where epoch = $1', epoch);
    expect(change).toMatchObject({ operator: 'bob', reason: 'seen', after: { state: 'active', proposed_by: 'alice' } });
  });

  it('are an operator, who may propose, and an approver, who may be the second', async () => {
    const { registry } = fixture;
    const [name, other] = [await disabled(), await disabled()];
    await enrolOperator(fixture.adminUrl, { name: 'olga', publicKey: randomBytes(44), role: 'operator' });
    await registry.enableCa('alice', name, 'test');
    for (const nobodyElse of ['olga', 'unknown']) {
      expect(await codeOf(registry.enableCa(nobodyElse, name, 'test'))).toBe('forbidden');
      expect(await stateOf(name)).toBe('disabled');
    }
    expect(await registry.enableCa('olga', other, 'test')).toMatchObject({ standing: 'proposed', proposedBy: 'olga' });
    expect(await registry.enableCa('alice', other, 'test')).toMatchObject({ standing: 'done', proposedBy: 'olga' });
  });

  it('need a proposal that is younger than an hour', async () => {
    const name = await disabled();
    await fixture.registry.enableCa('alice', name, 'test');
    await fixture.sql(`do $$ begin
      set local session_replication_role = replica;
      update registry.proposal set expires_at = clock_timestamp() - interval '1 ms' where subject = '${name}';
    end $$`);
    expect(await fixture.registry.enableCa('bob', name, 'test')).toMatchObject({
      standing: 'proposed',
      proposedBy: 'bob',
    });
  });

  it('need one for this verb and this CA, as it was when it was proposed', async () => {
    const { registry } = fixture;
    const [name, other] = [await disabled(), await disabled()];
    await registry.enableCa('alice', name, 'test');
    expect(await registry.enableCa('bob', other, 'test')).toMatchObject({ standing: 'proposed' });
    await registry.retireCa('bob', name, 'test');
    expect(await registry.disableCa('bob', name, 'test')).toMatchObject({ standing: 'proposed', proposedBy: 'bob' });
    await registry.disableCa('carol', name, 'test');
    // Disabled again, but not as it was: what alice saw is gone.
    expect(await registry.enableCa('bob', name, 'test')).toMatchObject({ standing: 'proposed', proposedBy: 'bob' });
  });

  it('allow one change: the next needs two again', async () => {
    const { registry } = fixture;
    const name = await disabled();
    await registry.enableCa('alice', name, 'test');
    await registry.enableCa('bob', name, 'test');
    await registry.disableCa('alice', name, 'test');
    expect(await write(name, 'active')).toBe(guard);
    expect(await registry.enableCa('bob', name, 'test')).toMatchObject({ standing: 'proposed', proposedBy: 'bob' });
  });

  it('are two at the same moment too: one proposes, one does it', async () => {
    const name = await disabled();
    const answers = await Promise.all(
      ['alice', 'bob'].map((operator) => fixture.registry.enableCa(operator, name, 'test')),
    );
    expect(answers.map(({ standing }) => standing).sort()).toEqual(['done', 'proposed']);
  });

  it('cannot be made of one by whoever writes', async () => {
    const name = await disabled();
    const refused = (text: string) => refusedWith(fixture.sql(text.replaceAll('NAME', `'${name}'`)));
    const columns = 'insert into registry.proposal (verb, subject, basis, reason, proposed_by';
    expect(
      await refused(
        `${columns}, approved_by, approved_at) values ('ca-active', NAME, 0, 'x', 'alice', 'bob', clock_timestamp())`,
      ),
    ).toBe(guard);
    expect(
      await refused(`${columns}, expires_at) values ('ca-active', NAME, 0, 'x', 'alice', now() + interval '1 day')`),
    ).toBe(guard);
    await fixture.registry.enableCa('alice', name, 'test');
    const approve = `update registry.proposal set approved_at = clock_timestamp(), approved_by`;
    expect(await refused(`${approve} = 'alice' where subject = NAME`)).toBe('23514');
    expect(await refused(`${approve} = 'bob', basis = 0 where subject = NAME`)).toBe(guard);
    expect(await refused(`${approve} = 'bob', epoch = 1 where subject = NAME`)).toBeUndefined();
    // Approved for another change than this one; and never again.
    expect(await write(name, 'active')).toBe(guard);
    expect(await refused(`${approve} = 'carol' where subject = NAME`)).toBe(guard);
    for (const text of [
      'delete from registry.proposal',
      'truncate registry.proposal',
      'update registry.deed set id = id',
    ])
      expect(await refused(text), text).toBe(guard);
  });
});

describe('a subscriber', () => {
  const fenced = async (name: string): Promise<void> => {
    await fixture.signer(name);
    await fixture.sql('update registry.subscriber set fenced = true where name = $1', name);
  };

  it('is forgotten once it is fenced, by one operator; by two while a CA is on its way out', async () => {
    const { registry } = fixture;
    const listed = async () => (await registry.subscribers()).map(({ name }) => name);
    // What the tests above left behind is on its way out.
    await fixture.sql(
      `do $$ begin set local session_replication_role = replica; update registry.ca set state = 'destroyed' where state in ('retiring', 'destroying'); end $$`,
    );
    expect(await codeOf(registry.forgetSubscriber('alice', 'nobody', 'test'))).toBe('not-found');
    expect(await codeOf(registry.forgetSubscriber('alice', 'hierarchy', 'test'))).toBe('conflict');
    await fenced('gone');
    expect(await registry.forgetSubscriber('alice', 'gone', 'test')).toMatchObject({ standing: 'done' });
    const name = await newCa();
    await bring(name, 'retiring');
    await fenced('gone-too');
    expect(await registry.forgetSubscriber('alice', 'gone-too', 'test')).toMatchObject({ standing: 'proposed' });
    expect(await codeOf(registry.forgetSubscriber('alice', 'gone-too', 'test'))).toBe('conflict');
    expect(await listed()).toContain('gone-too');
    expect(await registry.forgetSubscriber('bob', 'gone-too', 'test')).toMatchObject({
      standing: 'done',
      proposedBy: 'alice',
    });
    expect(await listed()).not.toContain('gone-too');
    expect(
      await fixture.sql(
        `select operator, proposed_by, subject from registry.deed where kind = 'subscriber-forget' order by id`,
      ),
    ).toEqual([
      { operator: 'alice', proposed_by: null, subject: 'gone' },
      { operator: 'bob', proposed_by: 'alice', subject: 'gone-too' },
    ]);
  });

  it('that comes back after it was forgotten is younger than it ever was, whatever the clock says', async () => {
    const { caller } = await fixture.signer('again');
    await fixture.sql(
      `update registry.subscriber set fenced = true, incarnation = incarnation + 1000000000 where name = 'again'`,
    );
    await fixture.sql(
      `select registry.forget_subscriber('alice', 'again', 'test'), registry.forget_subscriber('bob', 'again', 'test')`,
    );
    expect((await fixture.signer('again')).caller.incarnation).toBeGreaterThan(caller.incarnation + 1_000_000_000n);
  });
});

describe('profiles and accounts', () => {
  it('are switched off and on, and refused in the claim meanwhile', async () => {
    const { registry } = fixture;
    const front = await fixture.identity('front-1');
    const signer = await fixture.signer('signer-1');
    const endOf = async (account: string, profile: string, ca: string): Promise<unknown> => {
      await front.accept(newRow({ account, profile, ca }));
      const { claimed, ended } = await signer.claim(1);
      return claimed.length === 1 ? 'claimed' : ended[0]?.code;
    };
    const name = await newCa();
    const profile = `${name}-tls`;
    await registry.setProfileState('alice', profile, 'disabled', 'test');
    expect(await endOf('demo', profile, name)).toBe('profile-disabled');
    expect(await codeOf(registry.setProfileState('alice', profile, 'disabled', 'test'))).toBe('conflict');
    await registry.setProfileState('alice', profile, 'enabled', 'test');
    expect(await endOf('demo', profile, name)).toBe('claimed');
    await registry.setAccountState('alice', 'demo', 'disabled', 'test');
    expect(await endOf('demo', profile, name)).toBe('account-disabled');
    expect(await codeOf(registry.setAccountState('alice', 'demo', 'disabled', 'test'))).toBe('conflict');
    await registry.setAccountState('alice', 'demo', 'enabled', 'test');
    expect(await endOf('demo', profile, name)).toBe('claimed');
    expect(await codeOf(registry.setProfileState('alice', 'nobody', 'disabled', 'test'))).toBe('not-found');
    expect(await codeOf(registry.setAccountState('alice', 'nobody', 'disabled', 'test'))).toBe('not-found');
  });

  it('wait for claims under way: an account and a profile take the locks of their CAs first', async () => {
    const holder = fixture.connect('signer', 1);
    const call = (text: string) => holder.call({ name: '', text }, []);
    await call('begin');
    await call(`select pg_advisory_xact_lock_shared(hashtextextended('sluice:ca:root', 0))`);
    try {
      const changes = [
        fixture.registry.setAccountState('alice', 'third', 'disabled', 'test'),
        fixture.registry.setProfileState('alice', 'tls', 'disabled', 'test'),
      ];
      expect(await Promise.all(changes.map((change) => codeOf(change)))).toEqual(['unavailable', 'unavailable']);
    } finally {
      await call('rollback');
    }
  });
});

it('a profile that is applied under a CA that is not its own is refused before anything is waited for', async () => {
  const other = await newCa();
  const holder = fixture.connect('issuer-registry', 1);
  const call = (text: string) => holder.call({ name: '', text }, []);
  await call('begin');
  await call(`select registry.set_profile_state('bob', 'tls', 'disabled', 'test')`);
  try {
    const profile = {
      name: 'tls',
      ca: other,
      purpose: 'subscriber',
      document: {},
      timeToLiveS: 60,
      backdateS: 0,
    } as const;
    expect(await codeOf(fixture.registry.applyProfile('alice', profile))).toBe('conflict');
  } finally {
    await call('rollback');
  }
});

describe('limits of an account', () => {
  const told = async (): Promise<object | undefined> => {
    const { accounts } = await fixture.registry.entitiesSince(0n);
    return (accounts.find((one) => (one as { name: string }).name === 'demo') as { limits?: object }).limits;
  };

  it('are told as far as they are set; one that has none is told as before there were any', async () => {
    const { registry } = fixture;
    expect(await told()).toBeUndefined();
    await registry.setAccountLimits('alice', 'demo', { burst: 3, ordersPerDay: 9 }, 'test');
    await registry.setAccountLimits('alice', 'demo', { burst: null, ratePerSecond: 2 }, 'test');
    expect(await told()).toEqual({ ratePerSecond: 2, ordersPerDay: 9 });
    expect(await codeOf(registry.setAccountLimits('alice', 'demo', { ratePerSecond: 2 }, 'test'))).toBe('conflict');
    expect(await codeOf(registry.setAccountLimits('alice', 'nobody', { burst: 2 }, 'test'))).toBe('not-found');
    await registry.setAccountLimits('alice', 'demo', { ratePerSecond: null, ordersPerDay: null }, 'test');
    expect(await told()).toBeUndefined();
  });

  it.each(['[]', '{"burst": 0}', '{"burst": 1.5}', '{"burst": "1"}', '{"burst": 1000001}', '{"other": 1}'])(
    'cannot be %s, whoever writes',
    async (limits) => {
      const write = fixture.sql(`update registry.account set limits = '${limits}' where name = 'demo'`);
      expect(await refusedWith(write)).toBe('23514');
    },
  );
});

describe('an API key', () => {
  const hash = createHash('sha256').update('a key').digest();
  const hashes = async (account: string): Promise<string[]> => {
    const { accounts } = await fixture.registry.entitiesSince(0n);
    const found = accounts.find((one) => (one as { name: string }).name === account);
    return (found as { apiKeyHashes: string[] }).apiKeyHashes;
  };

  it('is added, revoked for good, and told with the account', async () => {
    const { registry } = fixture;
    await registry.addApiKey('alice', 'demo', hash);
    expect(await hashes('demo')).toContain(hash.toString('hex'));
    for (const account of ['demo', 'other'])
      expect(await codeOf(registry.addApiKey('alice', account, hash))).toBe('conflict');
    expect(await codeOf(registry.revokeApiKey('alice', 'other', hash, 'test'))).toBe('not-found');
    await registry.revokeApiKey('alice', 'demo', hash, 'test');
    expect(await hashes('demo')).not.toContain(hash.toString('hex'));
    expect(await codeOf(registry.revokeApiKey('alice', 'demo', hash, 'test'))).toBe('conflict');
    expect(await codeOf(registry.addApiKey('alice', 'demo', hash))).toBe('conflict');
    expect(await codeOf(registry.addApiKey('alice', 'nobody', randomBytes(32)))).toBe('not-found');
  });

  it('once revoked stays so, whoever writes', async () => {
    const { sql } = fixture;
    for (const text of [
      `update registry.api_key set state = 'in-force' where state = 'revoked'`,
      `update registry.api_key set account = 'other' where state = 'revoked'`,
      'delete from registry.api_key',
      'truncate registry.api_key',
      `insert into registry.api_key (hash, account, state) values (sha256('x'), 'demo', 'revoked')`,
    ])
      expect(await refusedWith(sql(text)), text).toBe(guard);
  });
});
