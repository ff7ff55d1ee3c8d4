import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assembleCertificate, readCertificate } from '../certificate.js';
import { compileTemplate } from '../compile-template.js';
import { makeKey, type TestKey } from '../keys.test-support.js';
import { parseProfile } from '../parse-profile.js';
import { keyIdentifier, readPublicKey } from '../public-key.js';
import { makeSerial } from '../serial.js';
import { encodeSubject } from '../subject.js';
import type { Issuer, ProfileDocument, RequestContent } from '../types.js';
import { validityOf } from '../validity.js';
import { lintCertificate, lintFixed, lintVariable } from './lint.js';
import type { LintContext, LintKind } from './types.js';

const demo = new URL('../../../../infra/demo/', import.meta.url);
const read = (path: string) => parseProfile(readFileSync(new URL(path, demo), 'utf8'));
const profiles = readdirSync(new URL('profiles/', demo)).map((file) => read(`profiles/${file}`));
const signer = parseProfile(`
name: signer
ca: demo
purpose: ocsp-signer
validity_seconds: 604800
subject: { common_name: required }
keys: [ec-p256]
key_usage: [digitalSignature]
extended_key_usage: [OCSPSigning]
`);

const caKeys = { ec: makeKey({ curve: 'P-256' }), rsa: makeKey({ rsa: 2048 }) };
const keys = { ec: makeKey({ curve: 'P-256' }), rsa: makeKey({ rsa: 3072 }) };
const now = new Date('2026-11-21T12:00:00Z');
const caSubject = { country: 'CH', organization: 'Sluice Demo', common_name: 'Demo CA' };

/** Every field that the profile takes. */
function fullContent({ subject, san }: ProfileDocument): RequestContent {
  const values = {
    country: 'CH',
    organization: 'Beispiel AG',
    organizational_unit: ['Eins', 'Zwei'],
    common_name: 'Gerät 7',
    email: 'a@example.test',
    serial_number: 'A-1',
  };
  const takes = (rule: unknown) => rule === 'required' || rule === 'optional';
  const named = { dns_names: ['a.example.test'], emails: ['a@example.test'], uris: ['https://example.test/a'] };
  return {
    subject_dn: Object.fromEntries(
      Object.entries(values).filter(([field]) => takes(subject[field as keyof typeof values])),
    ),
    san: Object.fromEntries(Object.entries(named).filter(([field]) => takes(san[field as keyof typeof named]?.rule))),
  };
}

function issue(document: ProfileDocument, caKey: TestKey, key: TestKey, kind: LintKind) {
  const issuer: Issuer = { subjectDer: encodeSubject(caSubject), spki: caKey.spki };
  const content = kind === 'root' ? { subject_dn: caSubject, san: {} } : fullContent(document);
  const template = compileTemplate(document, issuer);
  const notBefore = new Date(now.getTime() - document.backdate_seconds * 1000);
  const tbs = template.fill({
    serial: makeSerial(
      now,
      Uint8Array.from({ length: 13 }, (_, index) => 17 * index + 3),
    ),
    ...validityOf(document, notBefore, null),
    content,
    spki: key.spki,
  });
  const context: LintContext = {
    kind,
    issuer: {
      subjectDer: issuer.subjectDer,
      ski: keyIdentifier(readPublicKey(caKey.spki).bits),
      spki: caKey.spki,
      notBefore: new Date('2020-01-01T00:00:00Z'),
      notAfter: new Date('2060-01-01T00:00:00Z'),
    },
    subjectSpki: key.spki,
    validitySecondsMax: document.validity_seconds,
    signingTime: now,
  };
  return { tbs, context, der: assembleCertificate(tbs, template.signatureAlgorithm, caKey.sign(tbs)) };
}

describe.each(Object.entries(caKeys))('what is made here has no finding, signed by a CA of %s', (_ca, caKey) => {
  const fits = (document: ProfileDocument, kind: string) => document.keys.some((one) => one.startsWith(kind));
  const subscribers = [...profiles, signer].flatMap((document) =>
    Object.entries(keys)
      .filter(([kind]) => fits(document, kind))
      .map(([kind, key]) => [document.name, kind, document, key] as const),
  );

  it.each(subscribers)('%s, key %s', (_name, _kind, document, key) => {
    const { tbs, context, der } = issue(document, caKey, key, document === signer ? 'ocsp-signer' : 'subscriber');
    expect(lintCertificate(der, context)).toEqual([]);
    expect([...lintFixed(tbs, context), ...lintVariable(tbs, context)]).toEqual([]);
  });

  it('an issuing CA, and a root', () => {
    const issuing = issue(read('issuing-ca.yaml'), caKey, keys.ec, 'subordinate-ca');
    expect(lintCertificate(issuing.der, issuing.context)).toEqual([]);
    const root = issue(read('root.yaml'), caKey, caKey, 'root');
    expect(lintCertificate(root.der, root.context)).toEqual([]);
    expect(readCertificate(root.der).ski).toEqual(new Uint8Array(root.context.issuer?.ski ?? []));
  });
});
