import { parseProfile } from '@sluice/pki';
import { makeCsr } from '@sluice/testkit';
import { beforeAll, expect, it, vi } from 'vitest';
import { certificateFaults } from '../inputs/certificate-faults.js';
import { system } from './one-system.js';

// Accepted under one revision of a profile, claimed under the next: what was validated is validated again.

const common = {
  ...{ ca: 'ca-p256', purpose: 'subscriber', backdate_seconds: 60, keys: ['ec-p256', 'rsa-2048'] },
  ...{ subject: { common_name: 'required' }, key_usage: ['digitalSignature'], validity_seconds: 86_400 },
};
/** Two revisions each: `name` is what the second one does to orders that the first one took. */
const revisions = {
  'forbids-name': [common, { ...common, subject: { organization: 'required', common_name: 'forbidden' } }],
  'forbids-key': [common, { ...common, keys: ['rsa-2048'] }],
  'other-parts': [
    common,
    {
      ...{ ...common, validity_seconds: 3600, backdate_seconds: 0, extended_key_usage: ['serverAuth'] },
      ...{ subject: { common_name: 'required', country: { static: 'CH' } }, policies: ['2.999.7'] },
    },
  ],
} as const;
type Name = keyof typeof revisions;

let apiKey: string;
const ids = new Map<Name, string>();
const csr = makeCsr('ec-p256', 'revised.example');
const sentAt = Date.now();
let signedBefore: number;

const documentOf = (name: Name, revision: 0 | 1): string => JSON.stringify({ name, ...revisions[name][revision] });
const names = Object.keys(revisions) as Name[];
const client = () => system.client({ apiKey });

beforeAll(async () => {
  for (const name of names) await system.admin.call('POST', '/admin/v1/profiles', { document: documentOf(name, 0) });
  const account = { name: 'revised-account', profiles: names };
  apiKey = (await system.admin.call<{ api_key: string }>('POST', '/admin/v1/accounts', account)).api_key;
  // Nobody claims from here on.
  await system.signers[0]?.process.terminate(15_000);
  signedBefore = system.witness().length;
  for (const profile of names) {
    const order = {
      profile,
      csr: csr.pem,
      subjectDn: { common_name: 'revised.example' },
      prefer: 'respond-async',
      baseUrl: system.frontEnds[0]?.url ?? '',
    };
    // As soon as the front end has heard of account and profile. Asked again it joins.
    await vi.waitFor(async () => expect((await client().post(order)).status).toBe(202), { timeout: 20_000 });
    ids.set(profile, (await client().post(order)).id ?? '');
  }
  for (const name of names) await system.admin.call('POST', '/admin/v1/profiles', { document: documentOf(name, 1) });
  await system.signers[0]?.start();
  await system.settle(30_000);
});

it.each([
  ['forbids-name', 'subject-invalid', '/subject_dn/common_name: is not allowed by the profile'],
  ['forbids-key', 'key-weak', '/csr: the key is ec-p256; the profile takes rsa-2048'],
] as const)('%s: rejected with its reason', async (name, code, detail) => {
  const answer = await client().get(ids.get(name) ?? '');
  expect(answer).toMatchObject({ status: 422, code, fate: 'not-issued', state: 'rejected' });
  expect((answer.body as { detail: string }).detail).toContain(detail);
});

it('other-parts: issued as the second revision says, to the octet', async () => {
  const answer = await client().get(ids.get('other-parts') ?? '');
  expect(answer).toMatchObject({ status: 200 });
  const document = parseProfile(documentOf('other-parts', 1));
  const order = { profile: document.name, subject_dn: { common_name: 'revised.example' }, csr: csr.pem };
  const said = { status: 200, body: answer.body as Record<string, unknown>, sentAt, endedAt: Date.now() };
  expect(certificateFaults(document, order, csr.spki, said)).toEqual([]);
});

it('nothing was signed but that one', async () => {
  expect(system.witness().slice(signedBefore)).toMatchObject([{ label: 'ca-p256' }]);
  const [row] = await system.query<{ accepted: number; signed: number }>(
    `select r.profile_revision as accepted, s.profile_revision as signed from ledger.request r
     join ledger.serial s on s.request_id = r.id where r.id = $1`,
    [ids.get('other-parts')],
  );
  expect(row?.signed).toBe((row?.accepted ?? 0) + 1);
});
