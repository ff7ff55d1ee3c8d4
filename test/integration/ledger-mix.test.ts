import { createHash, randomBytes, randomInt } from 'node:crypto';
import { asSluiceError } from '@sluice/errors';
import { type IdentityLedger, newRequestId } from '@sluice/ledger';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  acknowledge,
  completionOf,
  createLedgerFixture,
  type LedgerFixture,
  newRow,
  soon,
  type TestSigner,
  untilLocked,
  untilSomebodyWaits,
} from './ledger-fixture.js';

// Goal: no two verbs ever deadlock, and none loses a request. Method: all of them at once for a few seconds on few keys
// and few fingerprints, in disorder; then what they were refused for, and the books.

const mixMs = 2500;
const dayMs = 86_400_000;

let fixture: LedgerFixture;
let fronts: IdentityLedger[];
let signers: TestSigner[];
beforeAll(async () => {
  fixture = await createLedgerFixture('mix');
  fronts = await Promise.all(['front-1', 'front-2'].map((name) => fixture.identity(name)));
  signers = await Promise.all(['signer-1', 'signer-2', 'signer-3'].map((name) => fixture.signer(name, 3)));
  await fixture.makeCa('second');
  const attached = { token: 'token', keyGroup: 'default', identity: randomBytes(32) };
  for (const { ledger, caller } of signers) await ledger.attachToken(caller, attached);
});
afterAll(() => fixture?.close());

const pick = <T>(from: readonly T[]): T => from[randomInt(from.length)] as T;
const shuffled = <T>(rows: readonly T[]): T[] =>
  rows
    .map((row) => ({ row, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ row }) => row);

/** Fewer are no mix; a slow machine takes its time. */
const acceptedMin = 200;

it('of all verbs at once neither deadlocks nor loses a request', async () => {
  const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);
  // New ones all the time: two that insert the same at once wait for each other.
  const someFingerprint = (): Uint8Array =>
    createHash('sha256')
      .update(`${Math.floor(performance.now() / 100)}:${randomInt(12)}`)
      .digest();
  const known: { requestId: string; deadline: string }[] = [];
  const accepted = new Set<string>();
  const faults: unknown[] = [];
  let waited = 0;
  let calls = 0;
  const end = performance.now() + mixMs;

  async function repeat(step: () => Promise<unknown>): Promise<void> {
    while (performance.now() < end || accepted.size <= acceptedMin) {
      try {
        await step();
        await new Promise(setImmediate); // a step that finds nothing to do yet must let the others run
        calls += 1;
      } catch (thrown) {
        const { code, cause } = asSluiceError(thrown);
        // On a slow machine a pool may have no connection in time: nothing was asked.
        if (code === 'unavailable' && !(cause instanceof Error && 'code' in cause)) waited += 1;
        else faults.push([code, cause]);
      }
    }
  }
  async function acceptMany(front: IdentityLedger): Promise<void> {
    const rows = Array.from({ length: 24 }, () => {
      const kind = randomInt(4);
      const [ca, profile] = pick([
        ['root', 'tls'],
        ['second', 'second-tls'],
      ] as const);
      return newRow({
        ca,
        profile,
        account: pick(['demo', 'other', 'third']),
        waitMs: pick([50, 1000, 60_000]),
        ...(kind === 0
          ? { idempotencyKey: pick(keys), ...(known.length > 0 ? { reopens: pick(known).requestId } : {}) }
          : {}),
        ...(kind % 2 === 1 ? { fingerprint: someFingerprint(), account: 'demo' } : {}),
        // Now and then by a clock that is far ahead, into the default partitions.
        ...(randomInt(8) === 0 ? { requestId: newRequestId(Date.now() + 100 * dayMs) } : {}),
      });
    });
    for (const result of await Promise.all(rows.map((row) => front.accept(row)))) {
      if (result.verdict !== 'accepted') continue;
      accepted.add(result.requestId);
      known.push(result);
      if (known.length > 300) known.shift();
    }
  }
  async function signMany({ ledger, caller, claim }: TestSigner): Promise<void> {
    const ids =
      randomInt(2) === 0 || known.length === 0 ? undefined : Array.from({ length: 20 }, () => pick(known).requestId);
    const { claimed } = await claim(20, { requestIds: ids, leaseMs: pick([500, 10_000]) });
    const rows = shuffled(claimed);
    const fate = randomInt(10);
    if (fate < 6) await ledger.complete(caller, [...rows, ...rows.slice(0, 2)].map(completionOf));
    else if (fate === 6)
      await ledger.release(
        caller,
        rows.map((row) => ({ ...row, code: 'draining' as const })),
      );
    else if (fate === 7)
      await ledger.burn(
        caller,
        rows.map((row) => ({ ...row, code: pick(['token-failed', 'internal'] as const) })),
      );
    else if (fate === 8)
      await ledger.reject(
        caller,
        rows.map((row) => ({ ...row, code: 'lint-failed' as const, detail: '' })),
      );
    // else: the lease runs out
  }
  const decideMany = (front: IdentityLedger): Promise<unknown> =>
    Promise.all(
      Array.from({ length: known.length === 0 ? 0 : 12 }, () => pick(known)).map(({ requestId, deadline }) =>
        front.decide(requestId, pick([deadline, '1']), 1000),
      ),
    );
  let profiles = 0;
  const changeRegistry = async (): Promise<void> => {
    profiles += 1;
    const profile = { purpose: 'subscriber', timeToLiveS: 86_400, backdateS: 0 } as const;
    await Promise.all([
      fixture.registry.applyProfile('alice', { ...profile, name: 'spare', ca: 'root', document: { profiles } }),
      fixture.registry.applyProfile('alice', {
        ...profile,
        name: 'second-spare',
        ca: 'second',
        document: { profiles },
      }),
      fixture.registry.createAccount('alice', {
        name: `account-${profiles}`,
        profiles: ['tls', 'second-tls'],
        apiKeyHash: randomBytes(32),
      }),
      fixture.registry.createCa('alice', {
        name: `young-${profiles}`,
        keyGroup: 'default',
        keyAlgorithm: 'ec-p256',
        subject: '{}',
        subjectDer: randomBytes(20),
        issuer: 'root',
        certificateProfile: 'root-ca',
      }),
    ]);
  };
  const someSigner = (): TestSigner => pick(signers);
  const changeStandings = async (): Promise<void> => {
    const state = profiles % 2 === 0 ? ('enabled' as const) : ('disabled' as const);
    const { registry } = fixture;
    const epoch = await registry.epoch();
    const steps: (() => Promise<unknown>)[] = [
      () => registry.setProfileState('alice', 'second-tls', state, 'test'),
      () => registry.setAccountState('alice', 'other', state, 'test'),
      () => registry.enableCa('alice', 'second', 'test'),
      () => someSigner().ledger.keyMissing(someSigner().caller, { ca: 'root', token: 'token', detail: 'test' }),
      () => registry.liftQuarantine('alice', 'root', undefined, 'test'),
      () =>
        acknowledge(
          registry,
          shuffled(signers).map(({ caller }) => caller),
          epoch,
        ),
      () => registry.fenceExpired(),
      () => registry.confirm(),
      ...signers.map(
        ({ ledger, caller }) =>
          () =>
            ledger.renew(caller, epoch),
      ),
    ];
    // What is in that state already is refused: that is no fault.
    await Promise.all(
      shuffled(steps).map((step) =>
        step().catch((thrown: unknown) => {
          if (asSluiceError(thrown).code !== 'conflict') throw thrown;
        }),
      ),
    );
  };
  let week = 13;
  const makePartitions = async (): Promise<void> => {
    week += 1;
    await fixture.sql('select ledger.make_partitions(7, $1)', new Date(Date.now() + week * 7 * dayMs));
    await fixture.sql('select ledger.purge_idempotency(100)');
    await fixture.registry.makePartitions(14);
  };

  const disabled = (async () => {
    // In the middle of it all: two that are changed at the same time.
    await expect.poll(() => accepted.size, soon).toBeGreaterThan(acceptedMin);
    await fixture.makeCa('doomed');
    await Promise.all([
      fixture.registry.disableCa('alice', 'second', 'test'),
      fixture.registry.disableCa('alice', 'doomed', 'test'),
    ]);
  })();
  await Promise.all([
    ...fronts.flatMap((front) => [
      repeat(() => acceptMany(front)),
      repeat(() => acceptMany(front)),
      repeat(() => decideMany(front)),
    ]),
    ...signers.flatMap((signer) => [
      repeat(() => signMany(signer)),
      repeat(() => signMany(signer)),
      repeat(() => signer.ledger.sweep(signer.caller)),
    ]),
    repeat(() =>
      Promise.all(
        keys.slice(0, 20).map((key) => (fronts[0] as IdentityLedger).join('demo', key, Buffer.alloc(32, 1), 2000)),
      ),
    ),
    repeat(
      async () =>
        known.length > 0 &&
        (await (fronts[1] as IdentityLedger).cancel(pick(known).requestId, pick(['demo', 'other']))),
    ),
    repeat(changeRegistry),
    repeat(changeStandings),
    repeat(makePartitions),
    disabled,
  ]);
  // A deadlock is told to its victim, and every victim is one of our calls.
  expect(faults).toEqual([]);
  expect(waited).toBeLessThan(calls / 10);
  expect(accepted.size).toBeGreaterThan(acceptedMin);

  await checkBooks(accepted);
});

it.each(['idempotencyKey', 'fingerprint'] as const)(
  'two front ends accept the same by %s at once, in opposite orders',
  async (same) => {
    for (let round = 0; round < 30; round += 1) {
      const shared = Array.from({ length: 64 }, () =>
        same === 'fingerprint' ? { fingerprint: randomBytes(32) } : { idempotencyKey: randomBytes(8).toString('hex') },
      );
      const [there, back] = await Promise.all(
        fronts.map((front, index) =>
          Promise.all((index === 0 ? shared : shared.toReversed()).map((more) => front.accept(newRow(more)))),
        ),
      );
      const accepted = [...(there ?? []), ...(back ?? [])].filter(({ verdict }) => verdict === 'accepted');
      expect(accepted).toHaveLength(64);
    }
  },
);

it('a CA is disabled while another one is made below it', async () => {
  await fixture.makeCa('upper');
  // As create_ca does: it has the epoch, and is about to refer to the CA above, when `disable` holds that and wants the epoch.
  const create = fixture.sql(`do $$ begin
    perform from registry.epoch for update;
    ${untilSomebodyWaits}
    insert into registry.ca (name, key_group, state, key_algorithm, subject, subject_der, issuer, certificate_profile, epoch)
    values ('lower', 'default', 'pending', 'ec-p256', '{}', '\\x0a', 'upper', 'none', 1);
  end $$`);
  await untilLocked(fixture, 'registry.epoch', 'RowShareLock');
  await fixture.registry.disableCa('alice', 'upper', 'test');
  await create;
});

/** Every accepted request is in one place, and what belongs together agrees. */
async function checkBooks(accepted: ReadonlySet<string>): Promise<void> {
  const none = async (what: string, text: string, ...values: unknown[]): Promise<void> => {
    expect(await fixture.sql(text, ...values), what).toEqual([]);
  };
  await none(
    'requests in no place, or in two',
    `select r.id from ledger.request r left join ledger.work w on w.request_id = r.id left join ledger.shelf s on s.request_id = r.id left join ledger.outcome o on o.request_id = r.id
     where num_nonnulls(w.request_id, s.request_id, o.request_id) <> 1`,
  );
  await none(
    'accepted and not stored',
    'select u.id from unnest($1::uuid[]) u (id) where not exists (select from ledger.request r where r.id = u.id)',
    [...accepted],
  );
  await none(
    'intended serials of nothing that is being signed',
    `select s.serial from ledger.serial s left join ledger.work w on w.request_id = s.request_id and w.serial = s.serial and w.state = 'signing' and w.attempt = s.attempt where s.state = 'intended' and w.request_id is null`,
  );
  await none(
    'signing without its serial',
    `select w.request_id from ledger.work w where w.state = 'signing' and not exists (select from ledger.serial s where s.ca = w.ca and s.serial = w.serial and s.state = 'intended' and s.attempt = w.attempt)`,
  );
  await none(
    'issued without certificate and serial',
    `select o.request_id from ledger.outcome o where o.state = 'issued' and o.serial is not null and not exists (select from ledger.certificate c join ledger.serial s on s.ca = c.ca and s.serial = c.serial where c.request_id = o.request_id and c.attempt = o.attempt and c.serial = o.serial and s.state = 'issued')`,
  );
  await none(
    'two issued serials for one request',
    `select request_id from ledger.serial where state = 'issued' group by 1 having count(*) > 1`,
  );
  await none(
    'an issued serial whose request did not end so',
    `select s.serial from ledger.serial s left join ledger.outcome o on o.request_id = s.request_id and o.serial = s.serial and o.state = 'issued' where s.state = 'issued' and o.request_id is null`,
  );
  await none(
    'burned and not revoked, or the other way round',
    `select s.serial from ledger.serial s full join ledger.revocation r on r.ca = s.ca and r.serial = s.serial where (s.state = 'burned') is distinct from (r.serial is not null)`,
  );
  await none(
    'withheld without a burned serial, or the other way round',
    `select o.request_id from ledger.outcome o where o.state = 'expired' and o.withheld <> exists (select from ledger.serial s where s.request_id = o.request_id and s.state = 'burned')`,
  );
  await none(
    'fingerprints of what has ended',
    'select f.request_id from ledger.open_fingerprint f where exists (select from ledger.outcome o where o.request_id = f.request_id)',
  );
  await none(
    'keys of requests that do not exist',
    'select i.key from ledger.idempotency i where not exists (select from ledger.request r where r.id = i.request_id)',
  );
  await none('attempts used twice', 'select request_id, attempt from ledger.serial group by 1, 2 having count(*) > 1');
  const expired = await fixture.sql<{ epoch: bigint; changes: bigint }>(
    'select (select epoch from registry.epoch) as epoch, (select max(epoch) from registry.change) as changes',
  );
  expect(expired[0]?.epoch).toBe(expired[0]?.changes);
}
