import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assembleCertificate, toPem } from './certificate.js';
import { checkContent } from './check-content.js';
import { compileTemplate } from './compile-template.js';
import { makeKey } from './keys.test-support.js';
import { hasOpenssl, openssl } from './openssl.test-support.js';
import { checkProfile, parseProfile } from './parse-profile.js';
import { makeSerial } from './serial.js';
import { encodeSubject } from './subject.js';
import type { ProfileDocument, RequestContent, SubjectDn } from './types.js';
import { validityOf } from './validity.js';

const folder = new URL('../../../infra/profiles/', import.meta.url);
const uuid = '01234567-89ab-cdef-0123-456789abcdef';

/** For each example: what a client asks for, and what OpenSSL reads in the certificate. */
const examples: Readonly<Record<string, { content: RequestContent; purpose?: string; reads: readonly RegExp[] }>> = {
  'tls-client': {
    content: {
      subject_dn: { common_name: 'client-7', organizational_unit: ['A', 'B'] },
      san: { dns_names: ['client-7.example.zz'], uris: ['https://example.zz/7'] },
    },
    purpose: 'sslclient',
    reads: [/Subject: O = Example, OU = A, OU = B, CN = client-7\n/, /Usage: \s+TLS Web Client Authentication\n/],
  },
  smime: {
    content: { subject_dn: { common_name: 'Änne', email: 'a@b.zz' }, san: { emails: ['a@b.zz'] } },
    purpose: 'smimesign',
    reads: [/Usage: \s+E-mail Protection\n/, /email:a@b\.zz/, /CPS: https:\/\/pki\.example\.test\/cps/],
  },
  'code-signing': {
    content: { subject_dn: { country: 'CH', organization: 'Example', common_name: 'Example' }, san: {} },
    reads: [/Extended Key Usage: \s+Code Signing\n/],
  },
  'document-signing': {
    content: { subject_dn: { country: 'CH', common_name: 'Example', serial_number: '7' }, san: {} },
    reads: [/Digital Signature, Non Repudiation/, /Usage: \s+(1\.3\.6\.1\.5\.5\.7\.3\.36|\w.*), \S+/],
  },
  timestamping: {
    content: { subject_dn: { common_name: 'TSA 1' }, san: {} },
    purpose: 'timestampsign',
    reads: [/Extended Key Usage: critical\s+Time Stamping\n/],
  },
  'ocsp-signer': {
    content: { subject_dn: { common_name: 'OCSP 1' }, san: {} },
    purpose: 'ocsphelper',
    reads: [/Usage: \s+OCSP Signing\n/, /OCSP No Check/],
  },
  'short-lived': {
    content: { subject_dn: { common_name: uuid }, san: { dns_names: ['a.example.zz'] } },
    purpose: 'sslclient',
    reads: [/(2\.5\.29\.56|No Revocation Available)/],
  },
};

const caKeys = { 'P-256': makeKey({ curve: 'P-256' }), RSA: makeKey({ rsa: 2048 }) };
const leafKey = makeKey({ curve: 'P-256' });
const now = new Date();
const serialOf = (seed: number) => makeSerial(now, new Uint8Array(13).fill(seed));

function issue(
  caKey: (typeof caKeys)[keyof typeof caKeys],
  document: ProfileDocument,
  content: RequestContent,
  spki: Uint8Array,
  seed: number,
) {
  const issuer: SubjectDn = { common_name: 'Example CA' };
  const template = compileTemplate(document, { subjectDer: encodeSubject(issuer), spki: caKey.spki });
  const start = new Date(now.getTime() - document.backdate_seconds * 1000);
  const tbs = template.fill({ serial: serialOf(seed), ...validityOf(document, start, null), content, spki });
  return assembleCertificate(tbs, template.signatureAlgorithm, caKey.sign(tbs));
}

const root = checkProfile({
  name: 'root',
  ca: 'issuing',
  purpose: 'ca-certificate',
  validity_seconds: 10 * 365 * 86_400,
  backdate_seconds: 86_400,
  subject: { common_name: 'required' },
  keys: ['ec-p256', 'rsa-2048'],
  key_usage: ['keyCertSign', 'cRLSign'],
  basic_constraints: { ca: true },
});

it('has a test for every example', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  expect(names.sort()).toEqual(
    Object.keys(examples)
      .map((name) => `${name}.yaml`)
      .sort(),
  );
});

describe.each(Object.entries(examples))('the example %s', (name, { content, purpose, reads }) => {
  const text = readFileSync(new URL(`${name}.yaml`, folder), 'utf8');

  it('is named like its file, and takes what a client asks for', () => {
    const document = parseProfile(text);
    expect(document.name).toBe(name);
    expect(text).toMatch(/^# yaml-language-server: \$schema=profile\.schema\.json\n/);
    expect(checkContent(document, content, 'ec-p256')).toEqual([]);
  });

  it.each(Object.keys(caKeys) as (keyof typeof caKeys)[])(
    'gives a certificate that others accept, from a CA of %s',
    (kind) => {
      const document = parseProfile(text);
      const caKey = caKeys[kind];
      const ca = issue(caKey, root, { subject_dn: { common_name: 'Example CA' }, san: {} }, caKey.spki, 1);
      const leaf = issue(caKey, document, content, leafKey.spki, 2);
      const [caX, leafX] = [new X509Certificate(ca), new X509Certificate(leaf)];
      expect(leafX.checkIssued(caX) && leafX.verify(caX.publicKey)).toBe(true);
      expect(Date.parse(leafX.validTo) - Date.parse(leafX.validFrom)).toBe((document.validity_seconds - 1) * 1000);
      if (!hasOpenssl) return;
      const files = { ca: toPem(ca, 'CERTIFICATE'), leaf: toPem(leaf, 'CERTIFICATE') };
      const asked = purpose === undefined ? [] : ['-purpose', purpose];
      const verdict = openssl(
        ['verify', '-x509_strict', '-check_ss_sig', ...asked, '-CAfile', '{ca}', '{leaf}'],
        files,
      );
      expect(verdict).toMatch(/: OK\n$/);
      const said = openssl(['x509', '-text', '-noout', '-nameopt', 'oneline', '-in', '{leaf}'], files);
      for (const pattern of reads) expect(said).toMatch(pattern);
      for (const url of [document.aia?.ocsp, document.aia?.ca_issuers, document.crl_distribution_point]) {
        if (url !== undefined) expect(said).toContain(`URI:${url}`);
      }
    },
  );
});
