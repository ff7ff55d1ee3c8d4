import { createPrivateKey, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { acknowledgementPath, signToken } from '@sluice/registry-protocol';
import { makeCsr, testProfiles } from '@sluice/testkit';
import { disable, type Provoke, type Site } from './provocations.js';

const reason = 'to see what a failure leaves';
const second = 'operator-2';

/** A CA that a provocation made and another one disabled; undefined when there is none, and then one is disabled. */
async function disabledCa(site: Site): Promise<string | undefined> {
  const disabled = `select name from registry.ca where name like 'ca-%-%-%' and state = 'disabled' limit 1`;
  const [ca] = await site.system.query<{ name: string }>(disabled);
  if (ca === undefined) await disable(site);
  return ca?.name;
}

/** It takes two operators: what is provoked is the second one's act, which does it. */
export const enable: Provoke = async (site) => {
  const ca = await disabledCa(site);
  if (ca === undefined) return;
  // Proposed already when an attempt before this one failed.
  await site.system.query(`select registry.enable_ca($1, $2, $3)`, [second, ca, reason]).catch(() => undefined);
  await site.journal.change('enabled-ca', ca, `/admin/v1/cas/${ca}/enable`, { reason });
};

export const retire: Provoke = async (site) => {
  const ca = await disabledCa(site);
  if (ca !== undefined) await site.journal.change('retired-ca', ca, `/admin/v1/cas/${ca}/retire`, { reason });
};

const quarantined = `select from registry.ca where name = 'ca-rsa' and quarantined`;

/** The RSA CA's key is gone until its signers have told it; then it is there again, and an operator lifts the quarantine. */
export const keyGone: Provoke = async ({ system, load, journal }) => {
  const file = join(system.dir, 'keys', 'ca-rsa.pem');
  renameSync(file, `${file}.gone`);
  try {
    const name = `${randomUUID()}.example`;
    const order = { profile: testProfiles.rsa, csr: makeCsr('ec-p256', name).pem, subjectDn: { common_name: name } };
    await load.client.post({ ...order, prefer: 'respond-async' });
    for (let looks = 0; looks < 300 && (await system.query(quarantined)).length === 0; looks += 1) await wait(50);
  } finally {
    if (existsSync(`${file}.gone`)) renameSync(`${file}.gone`, file);
  }
  const lift = () => journal.change('lifted-ca', 'ca-rsa', '/admin/v1/cas/ca-rsa/lift-quarantine', { reason });
  for (let tries = 0; tries < 5 && (await system.query(quarantined)).length > 0; tries += 1)
    await lift().catch(() => undefined); // written down; who was struck is asked again
};

/** A process that is gone for good, fenced as its lease ran out. */
export const forget: Provoke = async ({ system, journal }) => {
  const name = `gone-${randomUUID()}`;
  await system.query(
    `insert into registry.subscriber (name, service, incarnation, lease_until, fenced) values ($1, 'signer', 1, clock_timestamp(), true)`,
    [name],
  );
  // While a CA is retiring it takes two operators.
  await system.query(
    `select registry.forget_subscriber($1, $2, $3) where exists (select from registry.ca where state = 'retiring')`,
    [second, name, reason],
  );
  await journal.change('forgotten-subscriber', name, `/admin/v1/subscribers/${name}/forget`, { reason });
};

/** A service that cannot apply the state it was sent says so, as its registry-client does. */
export const refuse: Provoke = async ({ system }) => {
  const name = 'identity-api-1';
  const [row] = await system.query<{ incarnation: string; epoch: string }>(
    'select incarnation, applied_epoch as epoch from registry.subscriber where name = $1',
    [name],
  );
  const body = Buffer.from(JSON.stringify({ ...row, refused: { code: 'internal', reason } }));
  const privateKey = createPrivateKey(readFileSync(join(system.dir, 'secrets', `${name}.key`)));
  const about = { method: 'POST', path: acknowledgementPath, body };
  const token = await signToken({ ...about, privateKey, name, now: new Date(), jti: randomUUID() });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  await fetch(new URL(acknowledgementPath, system.registry.url), { method: 'POST', headers, body });
};
