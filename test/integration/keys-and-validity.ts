import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { makeCsr, provePossession, takeNonce } from '@sluice/testkit';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { system } from './one-system.js';

// Keys that come without a CSR, through real processes: the nonce from one front end, the order to the other. And ends of
// the validity that are asked for.

let apiKey: string;
const urls = () => system.frontEnds.map(({ url }) => url) as [string, string];

const keys = ['ec-p256', 'ec-p384', 'ec-p521', 'ed25519', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;
const profile = {
  ...{ name: 'any-key', ca: 'ca-p256', purpose: 'subscriber', validity_seconds: 86_400, backdate_seconds: 60 },
  ...{
    // More than the CA has left.
    requested_validity: { min_seconds: 600, max_seconds: 3650 * 86_400, back_seconds: 3600, ahead_seconds: 7200 },
    subject: { common_name: 'required' },
    keys,
    key_usage: ['digitalSignature'],
    extended_key_usage: ['clientAuth'],
  },
};

beforeAll(async () => {
  await system.admin.call('POST', '/admin/v1/profiles', { document: JSON.stringify(profile) });
  const account = { name: 'key-bringer', profiles: ['any-key'] };
  apiKey = (await system.admin.call<{ api_key: string }>('POST', '/admin/v1/accounts', account)).api_key;
  // The other front end may hear of the account later.
  const patient = { timeout: 20_000, interval: 100 };
  for (const url of urls()) {
    await vi.waitFor(async () => expect(await takeNonce(url, apiKey)).toHaveProperty('nonce'), patient);
  }
  const csr = makeCsr('ec-p256', 'first').pem;
  const client = system.client({ apiKey });
  const first = () => client.post({ profile: 'any-key', csr, subjectDn: { common_name: 'first' } });
  await vi.waitFor(async () => expect(await first()).toMatchObject({ status: 201 }), {
    timeout: 20_000,
    interval: 100,
  });
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

describe('ends of the validity', () => {
  const csr = makeCsr('ec-p256', 'ends').pem;
  const inSeconds = (offsetS: number) => `${new Date(Date.now() + offsetS * 1000).toISOString().slice(0, 19)}Z`;
  const order = (validity: Record<string, string>) =>
    system.client({ apiKey }).post({ profile: 'any-key', csr, subjectDn: { common_name: 'ends' }, validity });
  const caEnd = async () => {
    const [row] = await system.query<{ der: Buffer }>(
      "select certificate as der from registry.ca where name = 'ca-p256'",
    );
    return Date.parse(new X509Certificate(row?.der ?? '').validTo);
  };
  const iso = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

  it.each([
    ['back and far ahead', () => ({ not_before: inSeconds(-3500), not_after: inSeconds(86_400 * 300) })],
    ['ahead', () => ({ not_before: inSeconds(7000), not_after: inSeconds(7599) })],
  ])('stand in the certificate as they were asked for: %s', async (_what, asked) => {
    const validity = asked();
    const answer = await order(validity);
    expect(answer).toMatchObject({ status: 201 });
    const { validFrom, validTo } = new X509Certificate(answer.certificate ?? '');
    expect([validFrom, validTo].map((text) => iso(Date.parse(text)))).toEqual(Object.values(validity));
  });

  it('may be the last second of the CA, and not one more', async () => {
    const answer = await order({ not_after: iso(await caEnd()) });
    expect(answer).toMatchObject({ status: 201 });
    expect(Date.parse(new X509Certificate(answer.certificate ?? '').validTo)).toBe(await caEnd());
    const beyond = await order({ not_after: iso((await caEnd()) + 1000) });
    expect(beyond).toMatchObject({ status: 422, code: 'validity-invalid', body: { pointer: '/validity/not_after' } });
  });

  it.each([
    ['half a second', { not_after: '2027-01-01T00:00:00.5Z' }, 400, 'body-invalid', '/validity/not_after'],
    [
      'inverted',
      { not_before: inSeconds(60), not_after: inSeconds(0) },
      422,
      'validity-invalid',
      '/validity/not_after',
    ],
    ['too far back', { not_before: inSeconds(-4000) }, 422, 'validity-invalid', '/validity/not_before'],
    ['too far ahead', { not_before: inSeconds(86_400) }, 422, 'validity-invalid', '/validity/not_before'],
    ['too short', { not_after: inSeconds(300) }, 422, 'validity-invalid', '/validity/not_after'],
  ])('are refused when they are out of bounds: %s', async (_what, validity, status, code, pointer) => {
    expect(await order(validity)).toMatchObject({ status, code, body: { pointer } });
  });
});
