import { createPrivateKey, randomInt, randomUUID } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { acknowledgementPath, signToken } from '@sluice/registry-protocol';
import { makeCsr, type RecordingClient } from '@sluice/testkit';
import { disable, type Provoke, type Site } from './provocations.js';

/** With a CA that nothing else uses, and a client that orders of it. */
export interface SiteWithCaApart extends Site {
  readonly apart: { readonly ca: string; readonly profile: string; readonly client: RecordingClient };
}

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

/** An operator ends the quarantine of that CA, when it has one. */
export async function lift({ system, journal, apart: { ca } }: SiteWithCaApart): Promise<void> {
  const held = `select from registry.ca c where c.name = $1
    and (c.quarantined or exists (select from registry.ca_token q where q.ca = c.name and q.quarantined))`;
  if ((await system.query(held, [ca])).length > 0)
    await journal.change('lifted-ca', ca, `/admin/v1/cas/${ca}/lift-quarantine`, { reason });
}

/** That CA's key is gone until a signer has told it; then it is there again, and an operator lifts the quarantine. */
export async function keyGone(site: SiteWithCaApart): Promise<void> {
  const { system, apart } = site;
  await lift(site);
  const file = join(system.dir, 'keys', `${apart.ca}.pem`);
  const held = () => system.query('select from registry.ca where name = $1 and quarantined', [apart.ca]);
  const name = `${randomUUID()}.example`;
  const order = { profile: apart.profile, csr: makeCsr('ec-p256', name).pem, subjectDn: { common_name: name } };
  // Nobody waits for it: it is held until the quarantine is lifted, and then it must be issued.
  const again = { ...order, key: randomUUID(), prefer: 'respond-async' };
  renameSync(file, `${file}.gone`);
  try {
    for (let looks = 0; looks < 100 && (await held()).length === 0; looks += 1) {
      await apart.client.post(again);
      await wait(50);
    }
  } finally {
    renameSync(`${file}.gone`, file);
  }
  await lift(site);
}

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

/** As after a restore in which nothing was lost. It takes two operators: what is provoked is the second one's act. */
export const restored: Provoke = async ({ system, journal }) => {
  const past = String(randomInt(1_000_000));
  await system.query('select registry.admit_restore($1, $2, $3)', [second, past, reason]);
  await journal.change('restored-registry', past, '/admin/v1/registry/restored', { past, reason });
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
