import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { makeCsr, provePossession, type System, startSystem, takeNonce } from '@sluice/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

// Keys that come without a CSR, through real processes: the nonce from one front end, the order to the other.

let system: System;
let apiKey: string;
const urls = () => system.frontEnds.map(({ url }) => url) as [string, string];

const keys = ['ec-p256', 'ec-p384', 'ec-p521', 'ed25519', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;
const profile = {
  ...{ name: 'any-key', ca: 'ca-p256', purpose: 'subscriber', validity_seconds: 86_400, backdate_seconds: 60 },
  ...{
    subject: { common_name: 'required' },
    keys,
    key_usage: ['digitalSignature'],
    extended_key_usage: ['clientAuth'],
  },
};

beforeAll(async () => {
  system = await startSystem({ frontEnds: 2 });
  await system.admin.call('POST', '/admin/v1/profiles', { document: JSON.stringify(profile) });
  const account = { name: 'key-bringer', profiles: ['any-key'] };
  apiKey = (await system.admin.call<{ api_key: string }>('POST', '/admin/v1/accounts', account)).api_key;
  for (const url of urls()) await vi.waitFor(async () => expect(await takeNonce(url, apiKey)).toHaveProperty('nonce'));
  const csr = makeCsr('ec-p256', 'first').pem;
  const client = system.client({ apiKey });
  const first = () => client.post({ profile: 'any-key', csr, subjectDn: { common_name: 'first' } });
  await vi.waitFor(async () => expect(await first()).toMatchObject({ status: 201 }), {
    timeout: 20_000,
    interval: 100,
  });
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

function newKey(kind: (typeof keys)[number]) {
  if (kind === 'ed25519') return generateKeyPairSync('ed25519').privateKey;
  const [family, size = ''] = kind.split('-');
  if (family === 'rsa') return generateKeyPairSync('rsa', { modulusLength: Number(size) }).privateKey;
  return generateKeyPairSync('ec', { namedCurve: `P-${size.slice(1)}` }).privateKey;
}

describe.each(keys)('a key of %s', (kind) => {
  it('is certified when a proof shows that one has it, and the proof is kept', async () => {
    const key = newKey(kind);
    const [one, other] = urls();
    const brought = provePossession(key, 'any-key', await takeNonce(one, apiKey));
    const options = { profile: 'any-key', subjectDn: { common_name: kind }, baseUrl: other };
    const answer = await system.client({ apiKey }).post({ ...options, ...brought });
    expect(answer).toMatchObject({ status: 201, fate: 'issued' });
    const certificate = new X509Certificate(answer.certificate ?? '');
    expect(certificate.checkPrivateKey(key)).toBe(true);
    const stored = await system.query('select csr, proof from ledger.request where id = $1', [answer.id]);
    expect(stored).toEqual([{ csr: null, proof: brought.proof }]);
  });
});
