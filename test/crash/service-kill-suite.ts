import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { armKill, disarm, type Member, type System, startSystem } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAdminJournal } from './admin-journal.js';
import { type Load, startLoad } from './load.js';
import { startAgain } from './mixtures/start-again.js';
import * as provoke from './provocations.js';
import { until, untilInFlight } from './signer-faults.js';

const inFlight = 40;
const leaseMs = 2000;
const strikeWaitMs = 20_000;

const pair = (verb: string, provoked: provoke.Provoke): [string, provoke.Provoke][] => {
  const [service, name] = verb.split(':');
  return [
    [`${service}:before-${name}`, provoked],
    [`${service}:after-${name}`, provoked],
  ];
};

/** Each kill point outside the signer's own (`signerKillPoints`), with what makes somebody pass it. */
export const servicePoints: readonly (readonly [label: string, provoked: provoke.Provoke])[] = [
  ...pair('identity-api:accept', provoke.byLoad),
  ...pair('identity-api:read', provoke.byLoad),
  ['identity-api:before-answer', provoke.byLoad],
  ...pair('identity-api:join', provoke.join),
  ...pair('identity-api:decide', provoke.decide),
  ...pair('identity-api:cancel', provoke.cancel),
  ...pair('issuer-registry:createAccount', provoke.account),
  ...pair('issuer-registry:applyProfile', provoke.profile),
  ...pair('issuer-registry:blockKey', provoke.blockKey),
  ...pair('issuer-registry:createCa', provoke.newCa),
  ...pair('issuer-registry:putKeyWork', provoke.newCa),
  ...pair('issuer-registry:disableCa', provoke.disable),
  ...pair('issuer-registry:makePartitions', provoke.registryStarts),
  ...pair('issuer-registry:purgeIdempotency', provoke.registryStarts),
  ...pair('signer:registerTemplates', provoke.profile),
  ...pair('signer:completeGenerate', provoke.newCa),
  ...pair('signer:completeCaCertificate', provoke.newCa),
  ...pair('signer:reject', provoke.reject),
  ...pair('signer:release', provoke.keysStall),
  ...pair('signer:burn', provoke.keysStall),
  ...pair('signer:sweep', provoke.byLoad),
  ...pair('signer:audit', provoke.signerStarts),
  ...(['identity-api', 'signer', 'issuer-registry'] as const).flatMap((service) => [
    ...pair(`${service}:enrol`, provoke.enrol),
    ...pair(`${service}:renew`, provoke.renew),
  ]),
];

/** A death at each of these points, under load; then the end of all work, and the accounting. */
export function serviceKillSuite(points: typeof servicePoints, signaturesPerSecond: number): void {
  let system: System;
  let load: Load;
  let site: provoke.Site;
  beforeAll(async () => {
    system = await startSystem({ signers: 2, frontEnds: 2, leaseMs, signaturesPerSecond });
    load = startLoad(system, { inFlight });
    site = { system, load, journal: createAdminJournal(system), signaturesPerSecond, leaseMs };
  });
  afterAll(async () => {
    if (system) expect(await system.stop()).toEqual([]);
  });

  it.each(points)('kill -9 at %s', async (label, provoked) => {
    await untilInFlight(load, inFlight / 2);
    await startAgain(await dieAt(site, label, provoked));
  });

  it('client history, witness and ledger agree, and every CA that was begun is there', async () => {
    await load.stop();
    await system.settle(30_000);
    await expect
      .poll(() => system.query(`select name from registry.ca where state = 'pending'`), { timeout: 60_000 })
      .toEqual([]);
    await system.settle(10_000);
    await load.readBack();
    const { violations, counts } = await system.audit(load.client.answers);
    expect(violations).toEqual([]);
    expect(await site.journal.falsehoods()).toEqual([]);
    expect(counts.issued).toBeGreaterThan(50);
  });
}

/** Returns who died. */
async function dieAt(site: provoke.Site, label: string, provoked: provoke.Provoke): Promise<Member> {
  const { killFile, frontEnds, signers, registry } = site.system;
  const members = [...frontEnds, ...signers, registry].filter(({ name }) => name.startsWith(label.split(':')[0] ?? ''));
  const end = performance.now() + strikeWaitMs;
  const isArmed = (): boolean => existsSync(killFile); // who dies of it takes it away
  armKill(killFile, label);
  while (isArmed() && performance.now() < end) {
    let over = false;
    void provoked(site)
      .catch(() => undefined)
      .then(() => {
        over = true;
      });
    while (isArmed() && !over) await wait(10);
  }
  if (disarm(killFile)) throw new Error(`nobody passed ${label} within ${strikeWaitMs} ms`);
  await until('somebody is dead', () => members.some(({ alive }) => !alive));
  return members.find(({ alive }) => !alive) as Member;
}
