import { roleName, serviceNames } from '@sluice/ledger';
import { makeMoreCas, type System, startSystem, type VerbFailure } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAdminJournal } from './admin-journal.js';
import { untilAtRest } from './at-rest.js';
import { type Load, startLoad } from './load.js';
import { startAgain } from './mixtures/start-again.js';
import { bringBack } from './queue-provocations.js';
import { lift, type SiteWithCaApart } from './registry-provocations.js';
import { untilInFlight } from './signer-faults.js';
import { unprovoked, writes } from './writes.js';

const leaseMs = 2000;
const strikeWaitMs = 60_000;

interface Write {
  readonly service: keyof typeof writes;
  readonly verb: string;
  readonly provoke: (site: SiteWithCaApart) => Promise<unknown>;
}
const all: readonly Write[] = (Object.keys(writes) as (keyof typeof writes)[]).flatMap((service) =>
  Object.entries<Write['provoke']>(writes[service]).map(([verb, provoke]) => ({ service, verb, provoke })),
);

/**
 * One call of every durable write fails, in each of these ways, under a small load: all verbs within the same seconds,
 * or each `alone`. Then client history, witness and ledger must agree, and the registry with what its operator was told.
 */
export function writesSuite(how: {
  readonly failures: readonly VerbFailure[];
  readonly alone: boolean;
  readonly inFlight: number;
  readonly signaturesPerSecond: number;
  /** Every request must have ended so soon; without, all must end, however slow the machine. */
  readonly endWithinMs?: number;
}): void {
  const { inFlight, signaturesPerSecond } = how;
  let system: System;
  let load: Load;
  let site: SiteWithCaApart;
  beforeAll(async () => {
    system = await startSystem({ signers: 2, frontEnds: 2, verbWire: true, leaseMs, signaturesPerSecond });
    const { apiKey } = await makeMoreCas(system.admin, ['apart']);
    const apart = { ca: 'apart', profile: 'apart-tls', client: system.client({ apiKey }) };
    load = startLoad(system, { inFlight });
    site = { system, load, journal: createAdminJournal(system), signaturesPerSecond, leaseMs, apart };
  });
  afterAll(async () => {
    if (system) expect(await system.stop()).toEqual([]);
  });

  it('knows every function that a service may call and that writes', async () => {
    for (const service of serviceNames) {
      const verbs = await system.query<{ name: string }>(
        `select p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname in ('registry', 'ledger') and p.provolatile = 'v' and has_function_privilege($1, p.oid, 'execute')`,
        [roleName(new URL(system.adminUrl).pathname.slice(1), service)],
      );
      const called = service === 'ocsp-responder' ? [] : Object.keys(writes[service]);
      expect(verbs.map(({ name }) => name).sort(), service).toEqual([...called, ...unprovoked[service]].sort());
    }
  });

  const batches = how.alone
    ? all.map((write) => ({ of: `${write.service} ${write.verb}`, batch: [write] }))
    : [{ of: 'every verb of every service', batch: all }];
  const cases = how.failures.flatMap((failure) => batches.map((batch) => ({ failure, ...batch })));
  it.each(cases)('$of: $failure', { timeout: 300_000 }, async ({ failure, batch }) => {
    await untilInFlight(load, inFlight / 2);
    expect(await strike(site, batch, failure)).toEqual([]);
    for (const member of [...system.frontEnds, ...system.signers, system.registry]) await startAgain(member);
    const before = load.client.answers.length;
    await expect
      .poll(() => load.client.answers.slice(before).some(({ fate }) => fate === 'issued'), { timeout: 20_000 })
      .toBe(true);
  });

  it('client history, witness, ledger and operator agree', async () => {
    await load.stop();
    // A signer that missed the key may say so after it was put back.
    await untilAtRest(system, async () => {
      await lift(site).catch(() => undefined); // journaled; tried again
      await bringBack(system);
    });
    await load.readBack();
    const answers = [...load.client.answers, ...site.apart.client.answers];
    const { violations, counts } = await system.audit(answers, how.endWithinMs);
    expect(violations).toEqual([]);
    expect(await site.journal.falsehoods()).toEqual([]);
    for (const service of serviceNames) {
      const seen = system.verbWire?.seen(service);
      expect(unprovoked[service].filter((verb) => seen?.has(verb))).toEqual([]);
    }
    // It was a test: certificates came, what the wire lost was asked for again, and leases ran out.
    expect(counts.issued).toBeGreaterThan(50);
    expect(load.client.answers.some(({ fate }) => fate === 'unknown')).toBe(true);
    expect(counts.burned).toBeGreaterThan(0);
  });
}

/** Returns the verbs that no process called in time. */
async function strike(site: SiteWithCaApart, batch: readonly Write[], failure: VerbFailure): Promise<string[]> {
  const wire = site.system.verbWire;
  const waiting = new Set(batch);
  for (const write of batch) {
    void wire?.strike({ service: write.service, verb: write.verb, failure }).then(() => waiting.delete(write));
  }
  for (const write of batch) {
    const end = performance.now() + strikeWaitMs;
    while (waiting.has(write) && performance.now() < end) await write.provoke(site).catch(() => undefined);
  }
  wire?.calm();
  return [...waiting].map(({ service, verb }) => `${service} ${verb}`);
}
