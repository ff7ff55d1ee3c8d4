import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileKeyStore, type KeyAlgorithm, type KeyStore } from '@sluice/key-store';
import { checkProfile, encodeSubject, type Issuer, type ProfileKeyKind, profileKeyKinds, toPem } from '@sluice/pki';
import { verifyWithCerttool, verifyWithOpenssl } from '@sluice/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCerttool, issue, rootProfile } from './issue.js';

// Every CA key with every subject key: made as a signer makes them, read by three programs that share no code with us.

/** The signature of each CA key, as its AlgorithmIdentifier stands in the certificate. */
const caAlgorithms = {
  'ec-p256': '300a06082a8648ce3d040302',
  'ec-p384': '300a06082a8648ce3d040303',
  ed25519: '300506032b6570',
  'rsa-2048': '300d06092a864886f70d01010b0500',
} as const satisfies Partial<Record<KeyAlgorithm, string>>;

const makeSubjectKey: Readonly<Record<ProfileKeyKind, () => KeyObject>> = {
  'ec-p256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
  'ec-p384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey,
  'ec-p521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey,
  ed25519: () => generateKeyPairSync('ed25519').publicKey,
  'rsa-2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey,
  'rsa-3072': () => generateKeyPairSync('rsa', { modulusLength: 3072 }).publicKey,
  'rsa-4096': () => generateKeyPairSync('rsa', { modulusLength: 4096 }).publicKey,
};

const leafProfile = checkProfile({
  ...{ ca: 'root', backdate_seconds: 60, keys: profileKeyKinds, subject: { common_name: 'required' } },
  name: 'leaf',
  purpose: 'subscriber',
  validity_seconds: 90 * 86_400,
  san: { dns_names: { rule: 'required', max: 1, reserved: 'allow' } },
  key_usage: ['digitalSignature'],
  extended_key_usage: ['clientAuth', 'emailProtection'],
});

let dir: string;
let store: KeyStore;
const subjects = new Map<ProfileKeyKind, Uint8Array>();

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-algorithms-'));
  store = createFileKeyStore({ dir, passphrase: 'correct horse battery', token: 'file' });
  await store.initialise();
  for (const kind of profileKeyKinds) {
    subjects.set(kind, new Uint8Array(makeSubjectKey[kind]().export({ type: 'spki', format: 'der' })));
  }
});
afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

describe.each(Object.entries(caAlgorithms))('below a CA of %s', (algorithm, identifier) => {
  const subjectDn = { common_name: `Root of ${algorithm}` };
  let issuer: Issuer;
  let root: Uint8Array;
  beforeAll(async () => {
    const { spki } = await store.generate(`ca-${algorithm}`, algorithm as KeyAlgorithm);
    issuer = { subjectDer: encodeSubject(subjectDn), spki };
    root = await issue(store, `ca-${algorithm}`, issuer, rootProfile, { subject_dn: subjectDn, san: {} }, spki);
  });

  it.each(profileKeyKinds)(
    'a certificate for %s is what its profile says, for OpenSSL, GnuTLS and Node',
    async (kind) => {
      const spki = subjects.get(kind) ?? new Uint8Array();
      const content = { subject_dn: { common_name: `Key of ${kind}` }, san: { dns_names: ['a.example.test'] } };
      const leaf = await issue(store, `ca-${algorithm}`, issuer, leafProfile, content, spki);
      expect(Buffer.from(leaf).toString('hex').split(identifier).length - 1).toBe(
        identifier === '300506032b6570' && kind === 'ed25519' ? 3 : 2,
      );

      const [rootX, leafX] = [new X509Certificate(root), new X509Certificate(leaf)];
      expect(rootX.verify(rootX.publicKey) && leafX.verify(rootX.publicKey) && leafX.checkIssued(rootX)).toBe(true);
      expect(leafX.subject).toBe(`CN=Key of ${kind}`);
      expect(leafX.issuer).toBe(`CN=Root of ${algorithm}`);
      expect(leafX.subjectAltName).toBe('DNS:a.example.test');
      expect(leafX.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.4']);
      expect([rootX.ca, leafX.ca]).toEqual([true, false]);
      expect(Date.parse(leafX.validTo) - Date.parse(leafX.validFrom)).toBe((leafProfile.validity_seconds - 1) * 1000);
      expect(new Date(rootX.validTo).getUTCFullYear()).toBeGreaterThanOrEqual(2050);
      expect(leafX.publicKey.export({ type: 'spki', format: 'der' }).equals(spki)).toBe(true);

      const chain = [toPem(root, 'CERTIFICATE')];
      const pem = toPem(leaf, 'CERTIFICATE');
      expect(await verifyWithOpenssl(pem, chain)).toMatchObject({ valid: true });
      if (hasCerttool) expect(await verifyWithCerttool(pem, chain)).toMatchObject({ valid: true });
      if (kind !== 'ec-p256') return;
      // The checks above can fail: one changed octet of the signature.
      const changed = new Uint8Array(leaf);
      changed[changed.length - 5] = (changed.at(-5) ?? 0) ^ 1;
      expect(await verifyWithOpenssl(toPem(changed, 'CERTIFICATE'), chain)).toMatchObject({ valid: false });
    },
  );
});
