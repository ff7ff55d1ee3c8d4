import { X509Certificate } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assembleCertificate, readCertificate, toPem } from './certificate.js';
import { compileTemplate } from './compile-template.js';
import { anyContent, anyTypedContent, typedOids } from './content.test-support.js';
import { makeKey, type TestKey } from './keys.test-support.js';
import { hasOpenssl, openssl } from './openssl.test-support.js';
import { checkProfile } from './parse-profile.js';
import { keyIdentifier, readPublicKey } from './public-key.js';
import { sampleTbs } from './sample-certificate.js';
import { makeSerial } from './serial.js';
import { refusal } from './sluice-error.test-support.js';
import { encodeSubject } from './subject.js';
import type { Issuer, ProfileDocument, RequestContent } from './types.js';
import { validityOf } from './validity.js';
import { createVerifier } from './verifier.js';

const optional = { rule: 'optional', max: 100 };
const names = { dns_names: optional, emails: optional, ip_addresses: optional, uris: optional };
const base = {
  name: 'a',
  ca: 'root',
  validity_seconds: 86_400,
  subject: { common_name: 'optional', country: 'optional' },
  keys: ['ec-p256', 'rsa-2048'],
};
const documents = {
  root: checkProfile({
    ...base,
    purpose: 'ca-certificate',
    key_usage: ['keyCertSign', 'cRLSign'],
    basic_constraints: { ca: true },
    validity_seconds: 10 * 365 * 86_400,
  }),
  issuing: checkProfile({
    ...base,
    purpose: 'ca-certificate',
    key_usage: ['digitalSignature', 'keyCertSign', 'cRLSign'],
    basic_constraints: { ca: true, path_length: 0 },
    crl_distribution_point: 'http://crl.test/root.crl',
  }),
  tls: checkProfile({
    ...base,
    purpose: 'subscriber',
    san: names,
    key_usage: ['digitalSignature'],
    extended_key_usage: ['serverAuth', 'clientAuth'],
    policies: ['1.3.6.1.4.1.99999.1', '2.23.140.1.2.2'],
    aia: { ocsp: 'http://ocsp.test/', ca_issuers: 'http://ca.test/root.cer' },
    crl_distribution_point: 'http://crl.test/issuing.crl',
  }),
  signing: checkProfile({
    ...base,
    purpose: 'subscriber',
    key_usage: ['digitalSignature', 'nonRepudiation'],
    extended_key_usage: ['documentSigning', '1.2.840.113583.1.1.5'],
    aia: { ca_issuers: 'http://ca.test/root.cer' },
  }),
  bare: checkProfile({ ...base, purpose: 'subscriber', san: names, key_usage: ['nonRepudiation'] }),
  static: checkProfile({
    ...base,
    purpose: 'subscriber',
    key_usage: ['digitalSignature'],
    subject: { common_name: 'required', organization: { static: 'Example' } },
  }),
  agreeing: checkProfile({
    ...base,
    purpose: 'subscriber',
    keys: ['ec-p256'],
    key_usage: ['keyAgreement', 'decipherOnly'],
  }),
  own: checkProfile({
    ...base,
    purpose: 'subscriber',
    key_usage: ['digitalSignature'],
    extended_key_usage: ['timeStamping'],
    policies: [{ oid: '1.3.6.1.4.1.99999.1', cps: 'https://example.test/cps' }, '2.23.140.1.2.2', { oid: '1.2.3' }],
    no_rev_avail: true,
    extensions: [
      { oid: '1.3.6.1.4.1.99999.10', type: 'utf8', value: 'Gerät' },
      { oid: '1.3.6.1.4.1.99999.11', type: 'ia5', value: 'device' },
      { oid: '1.3.6.1.4.1.99999.12', type: 'integer', value: 4_294_967_425 },
      { oid: '1.3.6.1.4.1.99999.13', type: 'boolean', value: true },
      { oid: '1.3.6.1.4.1.99999.14', type: 'null' },
      { oid: '1.3.6.1.4.1.99999.15', type: 'oid', value: '2.999.1' },
      { oid: '1.3.6.1.5.5.7.1.24', type: 'hex', value: '3003020105' },
      { oid: '1.3.6.1.4.1.99999.17', critical: true, type: 'integer', value: 128 },
    ],
  }),
  typed: checkProfile({
    ...base,
    purpose: 'subscriber',
    san: names,
    key_usage: ['digitalSignature'],
    extra_attributes: [
      { oid: '2.5.4.4', rule: 'optional', type: 'printable' },
      { oid: typedOids.attribute, rule: 'optional', type: 'utf8', max: 3 },
    ],
    other_names: [{ oid: typedOids.name, rule: 'optional', type: 'utf8', max: 3 }],
  }),
  ocsp: checkProfile({
    ...base,
    purpose: 'ocsp-signer',
    key_usage: ['digitalSignature'],
    extended_key_usage: ['OCSPSigning'],
  }),
} satisfies Record<string, ProfileDocument>;

const caKeys = {
  ec: makeKey({ curve: 'P-256' }),
  rsa: makeKey({ rsa: 2048 }),
  p384: makeKey({ curve: 'P-384' }),
  ed25519: makeKey({ curve: 'Ed25519' }),
};
const leafKeys = {
  ec: makeKey({ curve: 'P-256' }),
  rsa: makeKey({ rsa: 2048 }),
  p521: makeKey({ curve: 'P-521' }),
  ed25519: makeKey({ curve: 'Ed25519' }),
};
const now = new Date('2026-11-21T12:00:00Z');
const random = (seed: number) => Uint8Array.from({ length: 13 }, (_, index) => (seed * 31 + index * 7) & 0xff);

function issue(
  issuerKey: TestKey,
  issuer: Issuer,
  document: ProfileDocument,
  content: RequestContent,
  key: TestKey,
  seed = 1,
): Uint8Array {
  const template = compileTemplate(document, issuer);
  const tbs = template.fill({
    serial: makeSerial(now, random(seed)),
    ...validityOf(document, now, null),
    content,
    spki: key.spki,
  });
  const signature = issuerKey.sign(tbs);
  expect(createVerifier(issuer.spki)(tbs, signature)).toBe(true);
  expect(template.signatureAlgorithm).toBe(issuerKey.algorithm);
  return assembleCertificate(tbs, template.signatureAlgorithm, signature);
}

const named = (name: string): RequestContent => ({ subject_dn: { country: 'DE', common_name: name }, san: {} });

function hierarchy(kind: 'ec' | 'rsa') {
  const key = caKeys[kind];
  const rootIssuer: Issuer = { subjectDer: encodeSubject(named('Root').subject_dn), spki: key.spki };
  const root = issue(key, rootIssuer, documents.root, named('Root'), key);
  const issuingKey = caKeys[kind === 'ec' ? 'rsa' : 'ec'];
  const issuing = issue(key, rootIssuer, documents.issuing, named('Issuing'), issuingKey, 2);
  const facts = readCertificate(issuing);
  return { root, issuing, issuingKey, issuer: { subjectDer: facts.subjectDer, spki: facts.spki } };
}

describe.each(['ec', 'rsa'] as const)('certificates below a root of %s and an issuing CA of the other', (kind) => {
  const { root, issuing, issuingKey, issuer } = hierarchy(kind);
  const content: RequestContent = {
    subject_dn: { country: 'CH', common_name: 'Gerät 7' },
    san: {
      dns_names: ['a.test'],
      emails: ['a@b.test'],
      ip_addresses: ['192.0.2.1', '::ffff:1.2.3.4'],
      uris: ['http://a/'],
    },
  };
  const leaf = issue(issuingKey, issuer, documents.tls, content, leafKeys.ec, 3);

  it('are read by Node as they were meant', () => {
    const [rootX, issuingX, leafX] = [root, issuing, leaf].map((bytes) => new X509Certificate(bytes));
    expect(rootX?.verify(rootX.publicKey)).toBe(true);
    expect(issuingX?.verify(rootX!.publicKey)).toBe(true);
    expect(leafX?.verify(issuingX!.publicKey)).toBe(true);
    expect(issuingX?.checkIssued(rootX!)).toBe(true);
    expect(leafX?.checkIssued(issuingX!)).toBe(true);
    expect([rootX?.ca, issuingX?.ca, leafX?.ca]).toEqual([true, true, false]);
    const bounds = [root, issuing, leaf].map((bytes) => readCertificate(bytes).pathLength);
    expect(bounds).toEqual([undefined, 0, undefined]);
    expect(leafX?.subject).toBe('C=CH\nCN=Gerät 7');
    expect(leafX?.subjectAltName).toBe(
      'DNS:a.test, email:a@b.test, IP Address:192.0.2.1, IP Address:0:0:0:0:0:FFFF:102:304, URI:http://a/',
    );
    expect(leafX?.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(leafX?.infoAccess).toBe('OCSP - URI:http://ocsp.test/\nCA Issuers - URI:http://ca.test/root.cer');
    expect(leafX?.serialNumber).toBe(
      Buffer.from(makeSerial(now, random(3)))
        .toString('hex')
        .toUpperCase(),
    );
    expect([leafX?.validFrom, leafX?.validTo]).toEqual(['Nov 21 12:00:00 2026 GMT', 'Nov 22 11:59:59 2026 GMT']);
    expect(leafX?.publicKey.export({ type: 'spki', format: 'der' }).equals(leafKeys.ec.spki)).toBe(true);
  });

  it.skipIf(!hasOpenssl)('pass openssl verify -x509_strict, and its text', () => {
    const files = {
      root: toPem(root, 'CERTIFICATE'),
      issuing: toPem(issuing, 'CERTIFICATE'),
      leaf: toPem(leaf, 'CERTIFICATE'),
    };
    const at = String(now.getTime() / 1000 + 60);
    const chain = ['-CAfile', '{root}', '-untrusted', '{issuing}', '{leaf}'];
    const strict = ['verify', '-x509_strict', '-check_ss_sig', '-policy_check', '-attime', at];
    expect(openssl([...strict, '-purpose', 'sslclient', ...chain], files)).toMatch(/: OK\n$/);
    const text = openssl(['x509', '-text', '-noout', '-in', '{leaf}'], files);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/);
    expect(text).toMatch(/Policy: 1\.3\.6\.1\.4\.1\.99999\.1\s+Policy: 2\.23\.140\.1\.2\.2/);
    expect(text).toMatch(/CRL Distribution Points: \s+Full Name:\s+URI:http:\/\/crl\.test\/issuing\.crl/);
    const ski = /Subject Key Identifier: \s+([0-9A-F:]+)/.exec(openssl(['x509', '-text', '-in', '{issuing}'], files));
    expect(text).toMatch(new RegExp(`Authority Key Identifier: \\s+${ski?.[1]}\\n`));
    expect(text).not.toMatch(/DirName/);
    const caText = openssl(['x509', '-text', '-noout', '-in', '{issuing}'], files);
    expect(caText).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    expect(caText).toMatch(/Key Usage: critical\s+Digital Signature, Certificate Sign, CRL Sign/);
  });

  it.skipIf(!hasOpenssl)('make an OCSP signer that OpenSSL takes for one', () => {
    const signer = issue(issuingKey, issuer, documents.ocsp, named('OCSP'), leafKeys.ec, 4);
    const text = openssl(['x509', '-text', '-noout', '-in', '{signer}'], { signer: toPem(signer, 'CERTIFICATE') });
    expect(text).toMatch(/Extended Key Usage: \s+OCSP Signing\n/);
    expect(text).toMatch(/OCSP No Check: \n/);
    expect(text).not.toMatch(/Basic Constraints|CRL Distribution|Authority Information|Alternative/);
    expect(Buffer.from(signer).toString('hex')).toContain('06092b0601050507300105' + '04020500');
  });

  it('copy the name of the CA to the octet', () => {
    expect(readCertificate(leaf).issuerDer).toEqual(readCertificate(issuing).subjectDer);
    expect(readCertificate(issuing).issuerDer).toEqual(readCertificate(root).subjectDer);
    expect(readCertificate(issuing).spki).toEqual(issuingKey.spki);
    expect(readCertificate(issuing).ski).toEqual(new Uint8Array(keyIdentifier(readPublicKey(issuingKey.spki).bits)));
  });
});

describe('a template', () => {
  const issuer: Issuer = { subjectDer: encodeSubject({ common_name: 'CA' }), spki: caKeys.ec.spki };

  it.each(Object.entries(documents))('fills to what PKI.js makes, byte for byte: %s', (_name, document) => {
    for (const caKey of Object.values(caKeys)) {
      const signedBy = { ...issuer, spki: caKey.spki };
      const template = compileTemplate(document, signedBy);
      const takesNames = Object.keys(document.san).length > 0;
      fc.assert(
        fc.property(
          document === documents.typed ? anyTypedContent : anyContent,
          fc.uint8Array({ minLength: 13, maxLength: 13 }),
          fc.date({ min: new Date('1970-01-01'), max: new Date('2090-01-01'), noInvalidDate: true }),
          fc.constantFrom(...Object.values(leafKeys)),
          (drawn, bytes, start, { spki }) => {
            const content = takesNames ? drawn : { ...drawn, san: {} };
            const statics = document === documents.static ? { organization: 'Example' } : {};
            const input = { serial: makeSerial(now, bytes), ...validityOf(document, start, null), content, spki };
            const expected = sampleTbs({
              ...input,
              content: { ...content, subject_dn: { ...content.subject_dn, ...statics } },
              document,
              issuerDer: signedBy.subjectDer,
              signatureAlgorithm: caKey.algorithm,
              authorityKeyIdentifier: keyIdentifier(readPublicKey(caKey.spki).bits),
              subjectKeyIdentifier: keyIdentifier(readPublicKey(spki).bits),
            });
            expect(Buffer.from(template.fill(input)).equals(expected)).toBe(true);
          },
        ),
        { numRuns: 15 },
      );
    }
  });

  it('has a hash that any change of what it signs changes, and nothing else', () => {
    const hashOf = (document: ProfileDocument, by: Issuer = issuer) =>
      Buffer.from(compileTemplate(document, by).hash).toString('hex');
    const { tls } = documents;
    const others = [
      hashOf({ ...tls, key_usage: ['nonRepudiation'] }),
      hashOf({ ...tls, policies: [] }),
      hashOf({ ...tls, policies: ['1.2.3'] }),
      hashOf({ ...tls, policies: [{ oid: '1.2.3', cps: 'http://a.test/' }] }),
      hashOf({ ...tls, no_rev_avail: true }),
      ...(['utf8', 'ia5'] as const).flatMap((type) => [
        hashOf({ ...tls, other_names: [{ oid: '1.2.3', rule: 'optional', max: 1, type }] }),
        hashOf({ ...tls, extra_attributes: [{ oid: '1.2.3', rule: 'optional', max: 1, type }] }),
      ]),
      hashOf({ ...tls, extensions: [{ oid: '1.2.3', critical: false, type: 'null' }] }),
      hashOf({ ...tls, extensions: [{ oid: '1.2.3', critical: true, type: 'null' }] }),
      hashOf({ ...tls, san: {} }),
      hashOf({ ...tls, subject: { ...tls.subject, locality: { static: 'Bern' } } }),
      hashOf({ ...tls, subject: { ...tls.subject, locality: { static: 'Basel' } } }),
      hashOf(tls, { ...issuer, subjectDer: encodeSubject({ common_name: 'CB' }) }),
      hashOf(tls, { ...issuer, spki: leafKeys.ec.spki }),
      hashOf(tls, { ...issuer, spki: caKeys.rsa.spki }),
    ];
    expect(new Set([hashOf(tls), ...others]).size).toBe(others.length + 1);
    expect(hashOf({ ...tls, description: 'another', validity_seconds: 600 })).toBe(hashOf(tls));
  });

  it('marks the names critical when the subject is empty, and only then', () => {
    const critical = '0603551d110101ff';
    const template = compileTemplate(documents.tls, issuer);
    const fill = (content: RequestContent) =>
      Buffer.from(
        template.fill({
          serial: makeSerial(now, random(5)),
          notBefore: now,
          notAfter: now,
          content,
          spki: leafKeys.ec.spki,
        }),
      ).toString('hex');
    const san = { dns_names: ['a.test'] };
    expect(fill({ subject_dn: {}, san })).toContain(critical);
    expect(fill({ subject_dn: { common_name: 'x' }, san })).not.toContain(critical);
    expect(fill({ subject_dn: { common_name: 'x' }, san: {} })).not.toContain('551d11');
  });

  it.each([
    [documents.tls, '03020780'],
    [documents.signing, '030206c0'],
    [documents.root, '03020106'],
    [documents.issuing, '03020186'],
    [documents.agreeing, '0303070880'],
  ])('writes key usages as a named bit list, without zero bits at its end: %#', (document, bits) => {
    const template = compileTemplate(document, issuer);
    const input = { serial: makeSerial(now, random(7)), notBefore: now, notAfter: now, spki: leafKeys.ec.spki };
    const tbs = Buffer.from(template.fill({ ...input, content: named('x') })).toString('hex');
    const length = (bits.length / 2).toString(16).padStart(2, '0');
    expect(tbs).toContain(`0603551d0f0101ff04${length}${bits}`);
  });

  it('writes the extensions that a profile has of its own, and nothing into those of others', () => {
    const template = compileTemplate(documents.own, issuer);
    const input = { serial: makeSerial(now, random(8)), notBefore: now, notAfter: now, spki: leafKeys.ec.spki };
    const tbs = Buffer.from(template.fill({ ...input, content: named('x') })).toString('hex');
    const extension = (oid: string, value: string, critical = '') => {
      const length = (hex: string) => (hex.length / 2).toString(16).padStart(2, '0');
      const content = `${oid}${critical}04${length(value)}${value}`;
      return `30${length(content)}${content}`;
    };
    const ours = (last: string) => `06092b06010401868d1f${last}`;
    expect(tbs).toContain(
      [
        extension('0603551d38', '0500'),
        extension(ours('0a'), '0c06476572c3a474'),
        extension(ours('0b'), '1606646576696365'),
        extension(ours('0c'), '02050100000081'),
        extension(ours('0d'), '0101ff'),
        extension(ours('0e'), '0500'),
        extension(ours('0f'), '0603883701'),
        extension('06082b06010505070118', '3003020105'),
        extension(ours('11'), '02020080', '0101ff'),
      ].join(''),
    );
    // timeStamping: critical.
    expect(tbs).toContain('0603551d250101ff040c300a06082b06010505070308');
    const cps = Buffer.from('https://example.test/cps').toString('hex');
    expect(tbs).toContain(`06082b0601050507020116${'18'}${cps}`);
  });

  it.skipIf(!hasOpenssl)('writes what no field is for after what has one, in the order of the profile', () => {
    const content: RequestContent = {
      subject_dn: {
        country: 'CH',
        extra_attributes: [
          { type: typedOids.attribute, value: 'Änne' },
          { type: '2.5.4.4', value: 'Meier' },
          { type: typedOids.attribute, value: 'Zoe' },
        ],
      },
      san: { dns_names: ['a.test'], other_names: [{ type: typedOids.name, value: 'anne@a.test' }] },
    };
    const leaf = issue(caKeys.ec, issuer, documents.typed, content, leafKeys.ec);
    expect(new X509Certificate(leaf).subject).toBe('C=CH\nSN=Meier\nGN=Änne\nGN=Zoe');
    const text = openssl(['x509', '-text', '-noout', '-in', '{leaf}'], { leaf: toPem(leaf, 'CERTIFICATE') });
    expect(text).toMatch(/DNS:a\.test, othername: (UPN::|msUPN:|UPN:)anne@a\.test\n/);
  });

  it('refuses what no rule says how to write', () => {
    const input = { serial: makeSerial(now, random(9)), notBefore: now, notAfter: now, spki: leafKeys.ec.spki };
    const stranger = [{ type: '1.2.3', value: 'x' }];
    const contents: RequestContent[] = [
      { subject_dn: { common_name: 'x', extra_attributes: stranger }, san: {} },
      { subject_dn: { common_name: 'x' }, san: { other_names: stranger } },
      { subject_dn: { common_name: 'x', extra_attributes: [{ type: '2.5.4.4', value: 'a\0' }] }, san: {} },
    ];
    for (const document of [documents.typed, documents.tls]) {
      const template = compileTemplate(document, issuer);
      for (const content of contents) refusal(() => template.fill({ ...input, content }), 'subject-invalid');
    }
    refusal(() => encodeSubject({ extra_attributes: stranger }), 'subject-invalid');
  });

  it('writes every field of a subject under its own type, in the order of the table', () => {
    const subject = {
      email: 'a@b.test',
      serial_number: 'S-1',
      common_name: 'Näme',
      organizational_unit: ['One', 'Two'],
      organization: 'Org',
      street_address: 'Street 1',
      locality: 'Town',
      state: 'State',
      country: 'DE',
    };
    const leaf = issue(caKeys.ec, issuer, documents.bare, { subject_dn: subject, san: {} }, leafKeys.ec);
    expect(new X509Certificate(leaf).subject.split('\n')).toEqual([
      'C=DE',
      'ST=State',
      'L=Town',
      'street=Street 1',
      'O=Org',
      'OU=One',
      'OU=Two',
      'CN=Näme',
      'serialNumber=S-1',
      'emailAddress=a@b.test',
    ]);
  });

  it('refuses what would be a wrong certificate, and is usable afterwards', () => {
    const template = compileTemplate(documents.signing, issuer);
    const good = {
      serial: makeSerial(now, random(6)),
      notBefore: now,
      notAfter: now,
      content: named('x'),
      spki: leafKeys.ec.spki,
    };
    const before = template.fill(good);
    const bad = (change: Partial<typeof good>) => () => template.fill({ ...good, ...change });
    refusal(bad({ content: { subject_dn: { common_name: 'x' }, san: { dns_names: ['a'] } } }), 'subject-invalid');
    refusal(bad({ content: named('a\0') }), 'subject-invalid');
    refusal(bad({ spki: good.spki.subarray(1) }), 'key-weak');
    refusal(bad({ serial: Uint8Array.of(0x80, ...random(1)) }), 'internal');
    refusal(bad({ serial: Uint8Array.of(0, ...random(1)) }), 'internal');
    refusal(bad({ serial: Uint8Array.of(1, 2, 3) }), 'internal');
    refusal(bad({ serial: new Uint8Array(21).fill(1) }), 'internal');
    refusal(bad({ notAfter: new Date(Number.NaN) }), 'internal');
    expect(template.fill(good)).toEqual(before);
  });

  it('refuses a CA key that it has no algorithm for', () => {
    refusal(() => compileTemplate(documents.tls, { ...issuer, spki: leafKeys.p521.spki }), 'key-weak');
  });
});
