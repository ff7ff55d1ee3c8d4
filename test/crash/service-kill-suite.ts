import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { armKill, disarm, type Member, makeCsr, type System, startSystem, testProfiles } from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Load, startLoad } from './load.js';
import { startAgain } from './mixtures/start-again.js';
import { untilInFlight } from './signer-faults.js';

const signaturesPerSecond = 80;
const inFlight = 40;
const strikeWaitMs = 20_000;

interface Site {
  readonly system: System;
  readonly load: Load;
}
/** Makes somebody pass the point; called until somebody has died of it. */
type Provoke = (site: Site) => Promise<unknown>;

let made = 0;
function anOrder(): { profile: string; csr: string; subjectDn: { common_name: string } } {
  made += 1;
  const name = `killed-${made}.example`;
  return { profile: testProfiles.p256, csr: makeCsr('ec-p256', name).pem, subjectDn: { common_name: name } };
}

const byLoad: Provoke = () => wait(50);
/** A key is looked up when its order is about to be refused: a known one joins all the same. */
const join: Provoke = ({ load }) => load.client.post({ ...anOrder(), profile: 'no-such-profile', key: randomUUID() });
/** No signature is granted until the shortest waits are over. */
const decide: Provoke = async ({ system, load }) => {
  system.pacer?.setRate(0);
  await load.client.post({ ...anOrder(), key: randomUUID(), prefer: 'wait=1' });
  system.pacer?.setRate(signaturesPerSecond);
};
const cancel: Provoke = async ({ system, load }) => {
  system.pacer?.setRate(0);
  const { id } = await load.client.post({ ...anOrder(), prefer: 'respond-async' });
  if (id !== undefined) await load.client.cancel(id);
  system.pacer?.setRate(signaturesPerSecond);
};
const account: Provoke = ({ system }) =>
  system.admin.call('POST', '/admin/v1/accounts', { name: `account-${randomUUID()}`, profiles: [testProfiles.short] });
const newCa: Provoke = async ({ system }) => {
  const name = `ca-${randomUUID()}`;
  const key = { key_group: 'default', key_algorithm: 'ec-p256', issuer: 'root', profile: 'issuing-ca' };
  await system.admin.call('POST', '/admin/v1/cas', { ...key, name, subject_dn: { common_name: name } });
  await wait(2000); // the registry looks once a second what a CA needs next
};
const disable: Provoke = async ({ system }) => {
  const { cas } = await system.admin.call<{ cas: { name: string; state: string }[] }>('GET', '/admin/v1/cas');
  const ca = cas.find(({ name, state }) => name.startsWith('ca-') && name.length > 20 && state === 'active');
  if (ca === undefined) return newCa({ system, load: undefined as never });
  return system.admin.call('POST', `/admin/v1/cas/${ca.name}/disable`, { reason: 'to see what a crash leaves' });
};
const profile: Provoke = ({ system }) => {
  made += 1;
  const document = {
    ...{ name: `profile-${made}`, ca: 'ca-p256', purpose: 'subscriber', validity_seconds: 600 },
    ...{ subject: { common_name: 'required' }, keys: ['ec-p256'], key_usage: ['digitalSignature'] },
    extended_key_usage: ['clientAuth'],
  };
  return system.admin.call('POST', '/admin/v1/profiles', { document: JSON.stringify(document) });
};

const pair = (verb: string, provoke: Provoke): [string, Provoke][] => {
  const [service, name] = verb.split(':');
  return [
    [`${service}:before-${name}`, provoke],
    [`${service}:after-${name}`, provoke],
  ];
};

/** Each kill point outside the signer's own (`signerKillPoints`), with what makes somebody pass it. */
export const servicePoints: readonly (readonly [label: string, provoke: Provoke])[] = [
  ...pair('identity-api:accept', byLoad),
  ...pair('identity-api:read', byLoad),
  ['identity-api:before-answer', byLoad],
  ...pair('identity-api:join', join),
  ...pair('identity-api:decide', decide),
  ...pair('identity-api:cancel', cancel),
  ...pair('issuer-registry:createAccount', account),
  ...pair('issuer-registry:applyProfile', profile),
  ...pair('issuer-registry:createCa', newCa),
  ...pair('issuer-registry:putKeyWork', newCa),
  ...pair('issuer-registry:disableCa', disable),
  ...pair('signer:registerTemplates', profile),
  ...pair('signer:completeGenerate', newCa),
  ...pair('signer:completeCaCertificate', newCa),
  ...pair('signer:sweep', byLoad),
];

/** A death at each of these points, under load; then the end of all work, and the accounting. */
export function serviceKillSuite(points: typeof servicePoints): void {
  let system: System;
  let load: Load;
  beforeAll(async () => {
    system = await startSystem({ signers: 2, frontEnds: 2, leaseMs: 2000, signaturesPerSecond });
    load = startLoad(system, { inFlight });
  });
  afterAll(async () => {
    if (system) expect(await system.stop()).toEqual([]);
  });

  it.each(points)('kill -9 at %s', async (label, provoke) => {
    const members = [...system.frontEnds, ...system.signers, system.registry];
    await untilInFlight(load, inFlight / 2);
    const dead = await dieAt({ system, load }, members, label, provoke);
    system.pacer?.setRate(signaturesPerSecond);
    await startAgain(dead);
    expect(dead.name).toContain(label.split(':')[0]);
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
    expect(counts.issued).toBeGreaterThan(50);
  });
}

async function dieAt(site: Site, members: readonly Member[], label: string, provoke: Provoke): Promise<Member> {
  const { killFile } = site.system;
  const death = Promise.race(members.map((member) => member.process.exited.then(() => member)));
  const end = performance.now() + strikeWaitMs;
  armKill(killFile, label);
  while (performance.now() < end) {
    const provoked = provoke(site).catch(() => undefined); // whoever would have answered may be the one who died
    const dead = await Promise.race([death, provoked.then(() => undefined)]);
    if (dead !== undefined) return dead;
  }
  if (!disarm(killFile)) return await death;
  throw new Error(`nobody passed ${label} within ${strikeWaitMs} ms`);
}
