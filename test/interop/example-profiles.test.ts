import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileKeyStore, type KeyStore } from '@sluice/key-store';
import { encodeSubject, type Issuer, type RequestContent, toPem } from '@sluice/pki';
import { verifyWithCerttool, verifyWithOpenssl } from '@sluice/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { treeFaults } from '../inputs/certificate-faults.js';
import { certificateTree, expectedCertificate, issuerFactsOf } from '../inputs/expected-certificate.js';
import { exampleProfiles } from '../inputs/input-profiles.js';
import { hasCerttool, issue, rootProfile } from './issue.js';

// Each example profile as it stands in infra/profiles: a certificate with all that a client may ask for.

/** What a client asks for, and what Node reads of it: subject, names (`zz` is nobody's, and not reserved), and extended key usages. */
const asked: Readonly<
  Record<string, { content: RequestContent; node: readonly [string, string | undefined, string[]] }>
> = {
  'tls-client': {
    content: {
      subject_dn: { common_name: 'client-7', organizational_unit: ['A', 'B'] },
      san: { dns_names: ['client-7.acme.zz'], uris: ['https://acme.zz/7'] },
    },
    node: ['O=Example\nOU=A\nOU=B\nCN=client-7', 'DNS:client-7.acme.zz, URI:https://acme.zz/7', ['1.3.6.1.5.5.7.3.2']],
  },
  smime: {
    content: { subject_dn: { common_name: 'Änne', email: 'a@b.zz' }, san: { emails: ['a@b.zz', 'c@d.zz'] } },
    node: ['CN=Änne\nemailAddress=a@b.zz', 'email:a@b.zz, email:c@d.zz', ['1.3.6.1.5.5.7.3.4']],
  },
  'code-signing': {
    content: {
      subject_dn: { country: 'CH', state: 'ZH', locality: 'Zürich', organization: 'Example', common_name: 'Example' },
      san: {},
    },
    node: ['C=CH\nST=ZH\nL=Zürich\nO=Example\nCN=Example', undefined, ['1.3.6.1.5.5.7.3.3']],
  },
  'document-signing': {
    content: { subject_dn: { country: 'CH', organization: 'E', common_name: 'Example', serial_number: '7' }, san: {} },
    node: ['C=CH\nO=E\nCN=Example\nserialNumber=7', undefined, ['1.3.6.1.5.5.7.3.36', '1.2.840.113583.1.1.5']],
  },
  timestamping: {
    content: { subject_dn: { common_name: 'TSA 1' }, san: {} },
    node: ['C=CH\nO=Example\nCN=TSA 1', undefined, ['1.3.6.1.5.5.7.3.8']],
  },
  'ocsp-signer': {
    content: { subject_dn: { common_name: 'OCSP 1' }, san: {} },
    node: ['CN=OCSP 1', undefined, ['1.3.6.1.5.5.7.3.9']],
  },
  'short-lived': {
    content: { subject_dn: { common_name: '01234567-89ab-cdef-0123-456789abcdef' }, san: { dns_names: ['a.zz'] } },
    node: ['CN=01234567-89ab-cdef-0123-456789abcdef', 'DNS:a.zz', ['1.3.6.1.5.5.7.3.2']],
  },
};

const rootSubject = { common_name: 'Root of examples' };
const spki = new Uint8Array(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' }),
);
let dir: string;
let store: KeyStore;
let issuer: Issuer;
let rootPem: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-examples-'));
  store = createFileKeyStore({ dir, passphrase: 'correct horse battery', token: 'file' });
  await store.initialise();
  const key = await store.generate('root', 'ec-p384');
  issuer = { subjectDer: encodeSubject(rootSubject), spki: key.spki };
  const root = await issue(store, 'root', issuer, rootProfile, { subject_dn: rootSubject, san: {} }, key.spki);
  rootPem = toPem(root, 'CERTIFICATE');
});
afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

it('there is a client for every example', () => {
  expect(
    exampleProfiles()
      .map(({ document }) => document.name)
      .sort(),
  ).toEqual(Object.keys(asked).sort());
});

describe.each(exampleProfiles().map(({ document }) => [document.name, document] as const))('%s', (name, document) => {
  const { content, node } = asked[name] ?? { content: { subject_dn: {}, san: {} }, node: ['', undefined, []] };
  let certificate: X509Certificate;
  beforeAll(async () => {
    certificate = new X509Certificate(await issue(store, 'root', issuer, document, content, spki));
  });

  it('holds what was asked for and what the profile says, each in its place, and nothing else', () => {
    const { subject_dn, san } = content as Parameters<typeof expectedCertificate>[0]['order'];
    const serial = certificate.serialNumber.toLowerCase();
    const notBefore = new Date(certificate.validFrom);
    const facts = issuerFactsOf(rootPem);
    const order = { subject_dn, ...(san === undefined ? {} : { san }) };
    const expected = expectedCertificate({ document, order, spki, issuer: facts, serial, notBefore });
    expect(treeFaults(certificateTree(certificate.raw), expected)).toEqual([]);
  });

  it('says the same to Node', () => {
    const root = new X509Certificate(rootPem);
    expect(certificate.checkIssued(root) && certificate.verify(root.publicKey)).toBe(true);
    expect([certificate.subject, certificate.subjectAltName, certificate.keyUsage]).toEqual(node);
    expect(certificate.ca).toBe(false);
    const lifeMs = Date.parse(certificate.validTo) - Date.parse(certificate.validFrom);
    expect(lifeMs).toBe((document.validity_seconds - 1) * 1000);
    const places = Object.entries(document.aia ?? {}).map(
      ([kind, url]) => `${kind === 'ocsp' ? 'OCSP' : 'CA Issuers'} - URI:${url}`,
    );
    expect((certificate.infoAccess ?? '').split('\n').filter(Boolean)).toEqual(places);
  });

  it('is valid for OpenSSL and for GnuTLS', async () => {
    const pem = toPem(new Uint8Array(certificate.raw), 'CERTIFICATE');
    expect(await verifyWithOpenssl(pem, [rootPem])).toMatchObject({ valid: true });
    if (hasCerttool) expect(await verifyWithCerttool(pem, [rootPem])).toMatchObject({ valid: true });
  });
});
