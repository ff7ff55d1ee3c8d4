import { randomBytes } from 'node:crypto';
import type { Caller, Database, IdentityLedger } from '@sluice/ledger';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  acknowledge,
  codeOf,
  compiler,
  createLedgerFixture,
  type LedgerFixture,
  newRow,
  newSerials,
  refusedWith,
  type TestSigner,
  untilLocked,
  untilSomebodyWaits,
  untilWaiting,
} from './ledger-fixture.js';

// Goal: once a version is confirmed, no process accepts or claims under an older one, whatever died, froze, woke or
// began anew meanwhile. Method: histories of the real verbs, with processes that say only what is so; after each step
// every process there ever was tries. Time passes by setting leases as the database's owner.

let fixture: LedgerFixture;
let front: IdentityLedger;
let signer: TestSigner;
/** For callers that are older than the ledgers above know. */
let connections: Record<'identity-api' | 'signer', Database>;
beforeAll(async () => {
  fixture = await createLedgerFixture('confirm');
  front = await fixture.identity('reader');
  signer = await fixture.signer('claimer');
  connections = { 'identity-api': fixture.connect('identity-api', 4), signer: fixture.connect('signer', 2) };
});
afterAll(() => fixture?.close());

/** Nobody enrolled, nothing confirmed: as a database that is new. */
beforeEach(reset);
async function reset(): Promise<void> {
  await fixture.sql(`do $$ begin
    set local session_replication_role = replica;
    delete from registry.subscriber;
    delete from ledger.work;
    delete from ledger.open_fingerprint;
    update registry.confirmed set epoch = 0;
  end $$`);
}

const newEpoch = async (): Promise<bigint> =>
  (await fixture.registry.blockKey('alice', { spkiSha256: randomBytes(32), reason: 'test' })).epoch;
async function enrol(name: string, appliedEpoch: bigint): Promise<Caller> {
  const connection = connections[name.startsWith('f') ? 'identity-api' : 'signer'];
  const text = 'select incarnation from registry.enrol($1, $2)';
  const [row] = await connection.call<{ incarnation: bigint }>({ name: '', text }, [name, appliedEpoch]);
  return { name, incarnation: row?.incarnation ?? 0n };
}
const outdate = (name: string): Promise<unknown> =>
  fixture.sql(`update registry.subscriber set lease_until = clock_timestamp() - interval '1 s' where name = $1`, name);
const locksHeld = async (): Promise<bigint | undefined> =>
  (
    await fixture.sql<{ count: bigint }>(`select count(*) from pg_locks l join pg_database d on d.oid = l.database
       where l.locktype = 'advisory' and d.datname = current_database()`)
  )[0]?.count;
const confirmedNow = async (): Promise<bigint> =>
  (await fixture.sql<{ epoch: bigint }>('select epoch from registry.confirmed'))[0]?.epoch ?? -1n;

/** A process: what it acts on, and in whose name. One that was replaced goes on as if it had not heard of it. */
interface Process {
  readonly caller: Caller;
  applied: bigint;
  /** As the ledger knows it. */
  told: bigint;
  floor: bigint;
  acknowledged: bigint;
  fenced: boolean;
  expired: boolean;
}
/** A front end and a signer: the more there are, the seldomer anything is confirmed. */
const frontName = 'f1';
const names = [frontName, 's1'] as const;
type Name = (typeof names)[number];
const ledgerOf = (name: string) => (name.startsWith('f') ? front : signer.ledger);

/** Does the ledger let it accept, or claim? The code that says why not. */
function tries({ caller, applied }: Process): Promise<string | undefined> {
  return caller.name.startsWith('s')
    ? codeOf(signer.claim(1, { caller, requestIds: [] }))
    : triesToAccept(caller, applied);
}

/** An order that was validated under this epoch. */
function triesToAccept(caller: Caller, epoch: bigint): Promise<string | undefined> {
  const { requestId, fingerprint } = newRow();
  const text = `select from ledger.accept($1, $2, $5, array[$3::uuid], '{demo}', '{tls}', '{1}', '{root}', '{default}', '{interactive}', '{"{}"}',
    array[$4::bytea], array[$4::bytea], array[null::jsonb], array[$4::bytea], array[null::text], array[$4::bytea], '{60000}', array[null::uuid])`;
  return codeOf(
    connections['identity-api'].call({ name: '', text }, [
      caller.name,
      caller.incarnation,
      requestId,
      fingerprint,
      epoch,
    ]),
  );
}

class World {
  readonly present = new Map<Name, Process>();
  readonly everyone: Process[] = [];
  /** Of a front end: epochs that orders were validated under which still wait to be accepted, whatever its incarnation by then. */
  orders: bigint[] = [];
  epoch = 0n;
  confirmed = 0n;

  /** The model's own idea of what may be confirmed. */
  confirmable(): bigint {
    const waitedFor = [...this.present.values()].filter(({ fenced }) => !fenced);
    const least = waitedFor.reduce((min, { acknowledged }) => (acknowledged < min ? acknowledged : min), this.epoch);
    return least > this.confirmed ? least : this.confirmed;
  }

  async check(): Promise<void> {
    expect(await confirmedNow()).toBe(this.confirmed);
    const answers = await Promise.all(this.everyone.map(tries));
    for (const [index, process] of this.everyone.entries()) {
      const { caller, fenced, expired, told, floor, applied } = process;
      const isPresent = this.present.get(caller.name as Name) === process;
      const holdsLease = isPresent && !fenced && !expired;
      // What this is about.
      if (applied < this.confirmed) expect(answers[index], `${caller.name} acts on ${applied}`).toBeDefined();
      const isBehind = told < floor || (caller.name === frontName && applied < floor);
      expect(answers[index]).toBe(holdsLease ? (isBehind ? 'stale-snapshot' : undefined) : 'fenced');
    }
    const frontEnd = this.present.get(frontName);
    for (const epoch of frontEnd === undefined ? [] : this.orders) {
      const answer = await triesToAccept((frontEnd as Process).caller, epoch);
      if (epoch < this.confirmed) expect(answer, `an order of ${epoch}`).toBeDefined();
    }
  }
}

type Command = fc.AsyncCommand<World, object>;
const command = (
  name: string,
  run: (world: World) => Promise<void>,
  check: (world: World) => boolean = () => true,
): Command => ({
  check,
  toString: () => name,
  async run(world) {
    await run(world);
    await world.check();
  },
});
const present = (name: Name) => (world: Readonly<World>) => world.present.has(name);
const of = (world: World, name: Name): Process => world.present.get(name) as Process;

async function acknowledges(world: World, name: Name): Promise<void> {
  const process = of(world, name);
  const { caller, applied: epoch, fenced } = process;
  const isVersion = (await fixture.registry.digestOf(epoch)) !== undefined;
  const verdict = fenced || !isVersion ? 'conflict' : 'acknowledged';
  // Not before what it began under an older one has ended.
  if (name === frontName) world.orders = world.orders.filter((order) => order >= epoch);
  expect(await acknowledge(fixture.registry, [caller], epoch)).toEqual([verdict]);
  if (verdict === 'acknowledged') Object.assign(process, { acknowledged: epoch, told: epoch });
}

const change = command('change', async (world) => {
  world.epoch = await newEpoch();
});
const fence = command('fence', async (world) => {
  const late = [...world.present].filter(([, { fenced, expired }]) => expired && !fenced);
  // Whoever was just refused may still hold its lock: PostgreSQL tells of an error before it lets go.
  await expect.poll(locksHeld).toBe(0n);
  expect(await fixture.registry.fenceExpired()).toEqual(late.map(([name]) => name).sort());
  for (const [, process] of late) process.fenced = true;
});
const confirm = command('confirm', async (world) => {
  const expected = world.confirmable();
  expect(await fixture.registry.confirm()).toBe(expected);
  world.confirmed = expected;
});
/** From a snapshot on disk of any age, or from nothing. Whoever had the name goes on, as a ghost. */
const enrols = (name: Name, age: number) =>
  command(`${name} enrols, ${age} behind`, async (world) => {
    const applied = world.epoch > BigInt(age) ? world.epoch - BigInt(age) : 0n;
    const caller = await enrol(name, applied);
    const fresh = { acknowledged: 0n, fenced: false, expired: false };
    const process = { ...fresh, caller, applied, told: applied, floor: world.confirmed };
    world.present.set(name, process);
    world.everyone.push(process);
  });
const order = command(
  'an order is validated and waits',
  async (world) => {
    world.orders.push(of(world, frontName).applied);
  },
  present(frontName),
);
const applies = (name: Name) =>
  command(
    `${name} applies`,
    async (world) => {
      of(world, name).applied = world.epoch;
    },
    present(name),
  );
const acknowledgesOnly = (name: Name) =>
  command(`${name} acknowledges`, (world) => acknowledges(world, name), present(name));
const appliesAndAcknowledges = (name: Name) =>
  command(
    `${name} applies and acknowledges`,
    (world) => {
      of(world, name).applied = world.epoch;
      return acknowledges(world, name);
    },
    present(name),
  );
const renews = (name: Name) =>
  command(
    `${name} renews`,
    async (world) => {
      const process = of(world, name);
      const { caller, applied, fenced } = process;
      expect(await codeOf(ledgerOf(name).renew(caller, applied))).toBe(fenced ? 'fenced' : undefined);
      if (!fenced) Object.assign(process, { told: applied, expired: false });
    },
    present(name),
  );
const freezes = (name: Name) =>
  command(
    `${name} freezes until its lease is out`,
    async (world) => {
      await outdate(name);
      of(world, name).expired = true;
    },
    present(name),
  );
const haunts = (name: Name) =>
  command(`the ghosts of ${name} acknowledge and renew`, async (world) => {
    for (const ghost of world.everyone) {
      if (ghost.caller.name !== name || world.present.get(name) === ghost) continue;
      expect(await acknowledge(fixture.registry, [ghost.caller], world.epoch)).toEqual(['conflict']);
      expect(await codeOf(ledgerOf(name).renew(ghost.caller, world.epoch))).toBe('fenced');
    }
  });
const isForgotten = (name: Name) =>
  command(
    `${name} is forgotten`,
    async (world) => {
      const { fenced } = of(world, name);
      const refused = fenced ? undefined : 'conflict';
      expect(await codeOf(fixture.registry.forgetSubscriber('alice', name, 'test'))).toBe(refused);
      if (fenced) world.present.delete(name);
    },
    present(name),
  );

const anyName = fc.constantFrom(...names);
const often = <T>(count: number, what: T): T[] => Array.from({ length: count }, () => what);
const commands: fc.Arbitrary<Command>[] = [
  ...often(2, fc.constant(change)),
  ...often(2, fc.constant(confirm)),
  fc.constant(fence),
  fc.constant(order),
  ...often(
    2,
    fc.tuple(anyName, fc.nat({ max: 2 })).map((what) => enrols(...what)),
  ),
  ...often(3, anyName.map(appliesAndAcknowledges)),
  ...[applies, acknowledgesOnly, renews, freezes, haunts, isForgotten].map((make) => anyName.map(make)),
];

it('in no history does anybody accept or claim under less than what was confirmed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 40, size: 'max' }), async (history) => {
      await reset();
      const { epoch } = await fixture.registry.versionNow();
      await fc.asyncModelRun(() => ({ model: Object.assign(new World(), { epoch }), real: {} }), history);
    }),
    { numRuns: 30 },
  );
});

it('an order that waited through a fence is not accepted under what it was validated under', async () => {
  const older = (await fixture.registry.versionNow()).epoch;
  await enrol(frontName, older);
  const epoch = await newEpoch();
  await outdate(frontName);
  await fixture.registry.fenceExpired();
  expect(await fixture.registry.confirm()).toBe(epoch);
  const caller = await enrol(frontName, epoch);
  expect(await triesToAccept(caller, older)).toBe('stale-snapshot');
  expect(await triesToAccept(caller, epoch)).toBeUndefined();
});

it('who is behind may do what it needs to catch up, and what goes by the ledger alone', async () => {
  const { ledger } = signer;
  await newEpoch();
  await fixture.registry.confirm();
  const caller = await enrol('s-behind', 0n);
  const [template] = await fixture.sql<{ profile: string; revision: number; hash: Uint8Array }>(
    `select profile, revision, hash from registry.template where profile = 'tls'`,
  );
  expect(await codeOf(signer.claim(1, { caller, requestIds: [] }))).toBe('stale-snapshot');
  if (template === undefined) throw new Error('tls has no template');
  await ledger.registerTemplates(caller, compiler, [template]);
  await ledger.attachToken(caller, { token: 'token', keyGroup: 'default', identity: randomBytes(32) });
  expect(await ledger.sweep(caller)).toMatchObject({ swept: true });
  expect(await ledger.audit(caller, 10)).toMatchObject({ audited: true });
});

describe('at the same moment', () => {
  /** A transaction of a signer's that has begun. */
  const begun = async () => {
    const one = fixture.connect('signer', 1);
    const call = (text: string, ...values: unknown[]) => one.call<{ incarnation: bigint }>({ name: '', text }, values);
    await call('begin');
    return call;
  };

  it('whoever enrols is waited for, or knows what was confirmed', async () => {
    const epoch = await newEpoch();
    const enrolling = await begun();
    const [row] = await enrolling(`select incarnation from registry.enrol('late', 0)`);
    const confirming = fixture.registry.confirm();
    await untilWaiting(fixture);
    await enrolling('commit');
    expect(await confirming).toBe(0n); // it saw the one who had enrolled, who has acknowledged nothing
    const late = { name: 'late', incarnation: row?.incarnation ?? 0n };
    expect(await codeOf(signer.claim(1, { caller: late, requestIds: [] }))).toBeUndefined();

    await outdate('late');
    await fixture.registry.fenceExpired();
    expect(await fixture.registry.confirm()).toBe(epoch);
    const caller = await enrol('late', epoch - 1n);
    expect(await codeOf(signer.claim(1, { caller, requestIds: [] }))).toBe('stale-snapshot');
    await acknowledge(fixture.registry, [caller], epoch);
    expect(await codeOf(signer.claim(1, { caller, requestIds: [] }))).toBeUndefined();
  });

  it('a claim that has begun is not fenced in the middle', async () => {
    const caller = await enrol('busy', 0n);
    const claiming = await begun();
    await claiming(
      `select * from ledger.claim($1, $2, gen_random_uuid(), 'interactive', 'default', 1, '{}', $3::bytea[], 'test-1', 1000, null, null)`,
      caller.name,
      caller.incarnation,
      newSerials(1).map((serial) => Buffer.from(serial)),
    );
    await outdate('busy');
    expect(await fixture.registry.fenceExpired()).toEqual([]);
    await claiming('commit');
    expect(await fixture.registry.fenceExpired()).toEqual(['busy']);
  });

  it('nobody is fenced for a lease that was renewed while others were looked at', async () => {
    for (const name of ['late', 'renewed']) {
      await enrol(name, 0n);
      await outdate(name);
    }
    const holder = fixture.sql(`do $$ begin
      perform from registry.subscriber where name = 'late' for update;
      ${untilSomebodyWaits}
      update registry.subscriber set lease_until = clock_timestamp() + interval '30 s' where name = 'renewed';
    end $$`);
    await untilLocked(fixture, 'registry.subscriber', 'RowShareLock');
    expect(await fixture.registry.fenceExpired()).toEqual(['late']);
    await holder;
  });

  it('who renews is not fenced', async () => {
    const caller = await enrol('renewing', 0n);
    await outdate('renewing');
    const renewing = await begun();
    await renewing('select registry.renew($1, $2, 0)', caller.name, caller.incarnation);
    expect(await fixture.registry.fenceExpired()).toEqual([]);
    await renewing('commit');
    expect(await fixture.registry.fenceExpired()).toEqual([]);
  });

  it('many that enrol, acknowledge, lose their lease, are fenced and confirmed leave nobody behind', async () => {
    const processes: Process[] = [];
    await Promise.all(
      names.map(async (name) => {
        for (let life = 0; life < 8; life += 1) {
          const { epoch } = await fixture.registry.versionNow();
          const applied = life % 2 === 0 ? epoch : epoch - 1n;
          const caller = await enrol(name, applied);
          const process = {
            caller,
            applied,
            told: applied,
            floor: 0n,
            acknowledged: 0n,
            fenced: false,
            expired: false,
          };
          processes.push(process);
          if (life % 3 === 0) await outdate(name);
          else await acknowledge(fixture.registry, [caller], applied);
          await Promise.all([fixture.registry.fenceExpired(), newEpoch()]);
          const confirmed = await fixture.registry.confirm();
          if (applied < confirmed) expect(await tries(process)).toBeDefined();
        }
      }),
    );
    const confirmed = await fixture.registry.confirm();
    expect(confirmed).toBeGreaterThan(0n);
    for (const process of processes) if (process.applied < confirmed) expect(await tries(process)).toBeDefined();
  });
});

describe('guards, whoever writes', () => {
  const refused = (text: string) => refusedWith(fixture.sql(text));

  it('what was confirmed stays so', async () => {
    await newEpoch();
    await fixture.registry.confirm();
    for (const text of ['update registry.confirmed set epoch = epoch - 1', 'delete from registry.confirmed'])
      expect(await refused(text), text).toBe('SLT01');
  });

  it('a subscriber is not unfenced, made older, or forgotten before it is fenced', async () => {
    await enrol('guarded', 0n);
    expect(await refused(`delete from registry.subscriber where name = 'guarded'`)).toBe('SLT01');
    expect(await refused('truncate registry.subscriber cascade')).toBe('SLT01');
    expect(await refused(`update registry.subscriber set incarnation = incarnation - 1`)).toBe('SLT01');
    await fixture.sql(`update registry.subscriber set fenced = true where name = 'guarded'`);
    expect(await refused(`update registry.subscriber set fenced = false`)).toBe('SLT01');
  });
});
