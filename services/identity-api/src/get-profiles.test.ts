import { afterAll, beforeAll, expect, it } from 'vitest';
import { apiKey, body, otherApiKey, type StartedFront, startFront } from './testing/start-front.js';

let front: StartedFront;
beforeAll(async () => {
  front = await startFront();
});
afterAll(async () => {
  expect(front.ledger.violations).toEqual([]);
  await front.server.stop(100);
});

interface Profile {
  readonly name: string;
  readonly available: boolean;
  readonly unavailable_because?: string;
}
const get = (path: string, key = apiKey) => front.fetch(path, { headers: { authorization: `Bearer ${key}` } });
async function profiles(key?: string): Promise<Profile[]> {
  return ((await (await get('/profiles', key)).json()) as { profiles: Profile[] }).profiles;
}

it('shows what this account may use, by name, and nothing else', async () => {
  expect((await profiles()).map(({ name }) => name)).toEqual([
    'every-rule',
    'of-destroyed',
    'of-destroying',
    'of-disabled',
    'of-pending',
    'of-retiring',
    'switched-off',
    'tls-client',
  ]);
  expect((await profiles(otherApiKey)).map(({ name }) => name)).toEqual(['tls-client']);
});

it('tells a profile in the terms of the body that asks', async () => {
  expect(await (await get('/profiles/tls-client')).json()).toEqual({
    name: 'tls-client',
    revision: 3,
    available: true,
    state: 'enabled',
    ca: { name: 'issuing', state: 'active' },
    subject_dn: {
      common_name: { rule: 'required', max: 1, max_characters: 64 },
      organization: { rule: 'static', value: 'Example' },
    },
    san: {
      dns_names: {
        ...{ rule: 'optional', max: 3, wildcards: false, reserved: 'refuse' },
        forms: [{ name: 'dns-name', text: expect.stringMatching(/A-labels/) }],
      },
    },
    keys: ['ec-p256'],
    key_usage: ['digitalSignature'],
    extended_key_usage: ['clientAuth'],
    validity_seconds: 86_400,
    time_to_live_seconds: 3600,
  });
});

it('tells every kind of rule, and nothing of what is forbidden', async () => {
  expect(await (await get('/profiles/every-rule')).json()).toMatchObject({
    description: 'Every kind of rule.',
    requested_validity: { min_seconds: 600, max_seconds: 864_000, back_seconds: 3600, ahead_seconds: 7200 },
    subject_dn: {
      common_name: { rule: 'required', max: 1, max_characters: 20, forms: [{ name: 'identifier' }] },
      organizational_unit: { rule: 'optional', max: 2, max_characters: 64 },
      locality: { rule: 'optional', max: 1, max_characters: 128 },
    },
    san: {
      dns_names: { rule: 'required', max: 5, wildcards: true, reserved: 'allow' },
      uris: { rule: 'optional', max: 1, reserved: 'refuse' },
    },
  });
  const { subject_dn, san } = (await (await get('/profiles/every-rule')).json()) as { subject_dn: object; san: object };
  expect(Object.keys({ ...subject_dn, ...san }).sort()).toEqual([
    ...['common_name', 'dns_names', 'locality', 'organizational_unit', 'uris'],
  ]);
});

it('says of each what POST /identity would say', async () => {
  for (const { name, available, unavailable_because } of await profiles()) {
    // As `every-rule` wants a name.
    const names = name === 'every-rule' ? { san: { dns_names: ['*.unit.example'] } } : {};
    const answer = await front.post({ ...body, profile: name, ...names }, { prefer: 'respond-async' });
    const { code } = (await answer.json()) as { code?: string };
    expect({ name, available, code }).toEqual({ name, available: answer.status === 202, code: unavailable_because });
  }
});

it.each(['foreign', 'for-cas', 'gone', 'nothing', '__proto__', 'toString'])('%s is not found', async (name) => {
  expect(await (await get(`/profiles/${name}`)).json()).toMatchObject({ status: 404, code: 'not-found' });
});
