import { X509Certificate } from 'node:crypto';
import {
  type Answer,
  makeCsr,
  type RecordingClient,
  testProfiles,
  verifyWithCerttool,
  verifyWithOpenssl,
} from '@sluice/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { system } from './one-system.js';

let client: RecordingClient;
beforeAll(async () => {
  client = system.client();
});

describe.each([
  ['ec-p256', testProfiles.p256],
  ['rsa-2048', testProfiles.rsa],
] as const)('a certificate for a %s key by %s', (kind, profile) => {
  let answer: Answer;
  const csr = makeCsr(kind, 'client.example');
  beforeAll(async () => {
    answer = await client.post({ profile, csr: csr.pem, subjectDn: { common_name: 'client.example' } });
  });

  it('is answered 201', () => {
    expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 201, fate: 'issued' });
    expect(answer.chain).toHaveLength(2);
  });

  it('holds the key and the name that were asked for', () => {
    const certificate = new X509Certificate(answer.certificate ?? '');
    expect(certificate.publicKey.export({ type: 'spki', format: 'der' })).toEqual(csr.spki);
    expect(certificate.subject).toContain('CN=client.example');
    expect(certificate.subject).toContain('O=Test Organization');
    expect(certificate.ca).toBe(false);
  });

  it('is valid for OpenSSL and for GnuTLS', async () => {
    const { certificate = '', chain = [] } = answer;
    expect(await verifyWithOpenssl(certificate, chain)).toMatchObject({ valid: true });
    expect(await verifyWithCerttool(certificate, chain)).toMatchObject({ valid: true });
  });

  it('is not valid with one octet of its signature changed', async () => {
    const { certificate = '', chain = [] } = answer;
    const bytes = Buffer.from(new X509Certificate(certificate).raw);
    bytes[bytes.length - 5] = (bytes.at(-5) ?? 0) ^ 1;
    const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
    const changed = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
    expect(await verifyWithOpenssl(changed, chain)).toMatchObject({ valid: false });
    expect(await verifyWithCerttool(changed, chain)).toMatchObject({ valid: false });
  });

  it('can be read again by whoever asked for it, and by nobody else', async () => {
    const again = await client.get(answer.id ?? '');
    expect(again).toMatchObject({ status: 200, certificate: answer.certificate });
    const other = system.client({ apiKey: system.otherApiKey });
    expect(await other.get(answer.id ?? '')).toMatchObject({ status: 404, code: 'not-found' });
  });
});

it('agrees with the witness and the ledger', async () => {
  await system.settle(10_000);
  const { violations, counts } = await system.audit(client.answers);
  expect(violations).toEqual([]);
  // Two CAs and their root, and two certificates: five signatures, each witnessed once.
  expect(counts).toMatchObject({ certificatesAnswered: 4, witnessed: 5, burned: 0 });
});

it('tells operators why', async () => {
  const [first] = client.answers;
  const why = await system.admin.call<Record<string, unknown>>('GET', `/admin/v1/requests/${first?.id}`);
  expect(why).toMatchObject({ request_id: first?.id, state: 'issued', account: 'first-account' });
});
