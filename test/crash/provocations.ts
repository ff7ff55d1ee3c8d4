import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Member, makeCsr, type System, testProfiles } from '@sluice/testkit';
import type { AdminJournal } from './admin-journal.js';
import { whileCaIsHeld } from './held-ca.js';
import type { Load } from './load.js';
import { statusOf } from './service-status.js';
import { until } from './signer-faults.js';

export interface Site {
  readonly system: System;
  readonly load: Load;
  readonly journal: AdminJournal;
  /** What the pacer grants when nothing is wrong. */
  readonly signaturesPerSecond: number;
  readonly leaseMs: number;
}
/** Makes some process call a verb; called until one has. May reject: who would have answered may be who was struck. */
export type Provoke = (site: Site) => Promise<unknown>;

const async = { prefer: 'respond-async' };

let made = 0;
function anOrder() {
  made += 1;
  const name = `provoked-${made}.example`;
  const { pem: csr, spki } = makeCsr('ec-p256', name);
  return { order: { profile: testProfiles.p256, csr, subjectDn: { common_name: name } }, spki };
}

export const byLoad: Provoke = () => wait(50);
/** A key is looked up when its order is about to be refused: a known one joins all the same. */
export const join: Provoke = ({ load }) =>
  load.client.post({ ...anOrder().order, profile: 'no-such-profile', key: randomUUID() });
export const extend: Provoke = async ({ load }) => {
  const again = { ...anOrder().order, key: randomUUID() };
  await load.client.post({ ...again, ...async });
  await load.client.post({ ...again, prefer: 'wait=1' });
};
/** Nobody may claim it until its wait is over. */
export const decide: Provoke = ({ system, load }) =>
  whileCaIsHeld(system, () => load.client.post({ ...anOrder().order, key: randomUUID(), prefer: 'wait=1' }));
export const cancel: Provoke = ({ system, load }) =>
  whileCaIsHeld(system, async () => {
    const { id } = await load.client.post({ ...anOrder().order, ...async });
    if (id !== undefined) await load.client.cancel(id);
  });
/** Its key is blocked after it was accepted and before it is claimed: its signer finds that out. */
export const reject: Provoke = async (site) => {
  await whileCaIsHeld(site.system, async () => {
    const { order, spki } = anOrder();
    await site.load.client.post({ ...order, ...async });
    await block(site, spki);
  });
  await wait(100);
};
/** No signature is granted until leases are over: what was asked of a key is burned, the rest of the batch released. */
export const keysStall: Provoke = async ({ system, signaturesPerSecond, leaseMs }) => {
  system.pacer?.setRate(0);
  await wait(leaseMs + 200);
  system.pacer?.setRate(signaturesPerSecond);
  await wait(200);
};

export const blockKey: Provoke = (site) => block(site, anOrder().spki);
function block({ journal }: Site, spki: Uint8Array): Promise<void> {
  const spki_sha256 = createHash('sha256').update(spki).digest('hex');
  const reason = 'to see what a failure leaves';
  return journal.change('blocked-key', spki_sha256, '/admin/v1/blocked-keys', { spki_sha256, reason });
}
export const account: Provoke = ({ journal }) => {
  const name = `account-${randomUUID()}`;
  return journal.change('account', name, '/admin/v1/accounts', { name, profiles: [testProfiles.short] });
};
export const newCa: Provoke = async ({ system, journal }) => {
  const name = `ca-${randomUUID()}`;
  const key = { key_group: 'default', key_algorithm: 'ec-p256', issuer: 'root', profile: 'issuing-ca' };
  await journal.change('ca', name, '/admin/v1/cas', { ...key, name, subject_dn: { common_name: name } });
  const pending = `select from registry.ca where name = $1 and state = 'pending'`;
  // The registry looks once a second what a CA needs next.
  for (let looks = 0; looks < 30 && (await system.query(pending, [name])).length > 0; looks += 1) await wait(100);
};
export const disable: Provoke = async (site) => {
  const active = `select name from registry.ca where name like 'ca-%-%-%' and state = 'active' limit 1`;
  const [ca] = await site.system.query<{ name: string }>(active);
  if (ca === undefined) return newCa(site);
  const reason = { reason: 'to see what a failure leaves' };
  return site.journal.change('disabled-ca', ca.name, `/admin/v1/cas/${ca.name}/disable`, reason);
};
export const profile: Provoke = ({ journal }) => {
  made += 1;
  const name = `profile-${made}`;
  const document = {
    ...{ name, ca: 'ca-p256', purpose: 'subscriber', validity_seconds: 600 },
    ...{ subject: { common_name: 'required' }, keys: ['ec-p256'], key_usage: ['digitalSignature'] },
    extended_key_usage: ['clientAuth'],
  };
  return journal.change('profile', name, '/admin/v1/profiles', { document: JSON.stringify(document) });
};

export const switchProfile: Provoke = async (site) => {
  const name = await madeBefore(site, 'profile', profile);
  const reason = { reason: 'to see what a failure leaves' };
  await site.journal.change('disabled-profile', name, `/admin/v1/profiles/${name}/disable`, reason);
};
export const switchAccount: Provoke = async (site) => {
  const name = await madeBefore(site, 'account', account);
  const reason = { reason: 'to see what a failure leaves' };
  await site.journal.change('disabled-account', name, `/admin/v1/accounts/${name}/disable`, reason);
};
export const apiKey: Provoke = async (site) => {
  const name = await madeBefore(site, 'account', account);
  const path = `/admin/v1/accounts/${name}/keys`;
  const { api_key_hash } = await site.system.admin.call<{ api_key_hash: string }>('POST', path, {});
  await site.system.admin.call('POST', `${path}/revoke`, { api_key_hash, reason: 'to see what a failure leaves' });
};
/** Other limits each time: the same once more would be a conflict. */
export const limits: Provoke = async (site) => {
  const name = await madeBefore(site, 'account', account);
  const limits = { burst: 1000 + Math.floor(Math.random() * 100_000) };
  const body = { limits, reason: 'to see what a failure leaves' };
  await site.system.admin.call('POST', `/admin/v1/accounts/${name}/limits`, body);
};
/** The name of one that a provocation made and that is enabled; makes one where there is none. */
async function madeBefore(site: Site, kind: 'profile' | 'account', make: Provoke): Promise<string> {
  const enabled = `select name from registry.${kind} where name like $1 and state = 'enabled' limit 1`;
  const find = async () => (await site.system.query<{ name: string }>(enabled, [`${kind}-%`]))[0]?.name;
  const found = await find();
  if (found === undefined) await make(site);
  return found ?? (await find()) ?? '';
}

/** A new epoch is told with a renewal, within a second. */
export const renew: Provoke = async (site) => {
  await account(site);
  await wait(500);
};
/** Whoever is fenced enrols anew; it finds that out at its next call that says who calls. */
export const enrol: Provoke = async (site) => {
  await site.system.query('update registry.subscriber set fenced = true');
  await renew(site);
};
async function restart(member: Member): Promise<void> {
  if (member.alive) await member.process.kill9();
  await member.start();
  await until(`${member.name} is ready`, async () => (await statusOf(member)).ready);
}
/** What runs once a minute or more seldom runs first as a process starts. */
export const registryStarts: Provoke = ({ system }) => restart(system.registry);
export const signerStarts: Provoke = async ({ system }) => {
  for (const signer of system.signers.slice(-1)) await restart(signer);
};
export const bothStart: Provoke = (site) => Promise.all([registryStarts(site), signerStarts(site)]);
/** A claim whose answer was lost is asked for again. */
export const claimAnswerLost: Provoke = async ({ system }) => {
  await system.verbWire?.strike({ service: 'signer', verb: 'claim', failure: 'answer-lost' });
  await wait(100);
};
