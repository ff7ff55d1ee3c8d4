import { randomBytes } from 'node:crypto';
import type { KeyStore } from '@sluice/key-store';
import { fetchDebianTool } from '@sluice/local-stack';
import {
  assembleCertificate,
  checkContent,
  checkProfile,
  compileTemplate,
  createVerifier,
  type Issuer,
  keyKindOf,
  makeSerial,
  type ProfileDocument,
  profileKeyKinds,
  type RequestContent,
  serialRandomBytes,
  validityOf,
} from '@sluice/pki';
import { expect } from 'vitest';

/** Without GnuTLS the rest is compared all the same, and that is said. */
export const hasCerttool = await fetchDebianTool(['gnutls-bin'], 'certtool').then(
  () => true,
  (error: unknown) => {
    console.warn(`SKIPPED: no certtool: GnuTLS has not seen these certificates (${String(error)})`);
    return false;
  },
);

/** A root that signs itself and everything here. */
export const rootProfile = checkProfile({
  ...{ ca: 'root', backdate_seconds: 86_400, keys: profileKeyKinds, subject: { common_name: 'required' } },
  name: 'root',
  purpose: 'ca-certificate',
  validity_seconds: 40 * 365 * 86_400,
  key_usage: ['keyCertSign', 'cRLSign'],
  basic_constraints: { ca: true, path_length: 0 },
});

/** A certificate as a signer makes it, with the key of that label. */
export async function issue(
  store: KeyStore,
  label: string,
  issuer: Issuer,
  document: ProfileDocument,
  content: RequestContent,
  spki: Uint8Array,
): Promise<Uint8Array> {
  const template = compileTemplate(document, issuer);
  expect(checkContent(document, content, keyKindOf(spki))).toEqual([]);
  const now = new Date();
  const serial = makeSerial(now, randomBytes(serialRandomBytes));
  const notBefore = new Date(now.getTime() - document.backdate_seconds * 1000);
  const tbs = template.fill({ serial, ...validityOf(document, notBefore, null), content, spki });
  const signature = await store.sign(label, tbs);
  expect(createVerifier(issuer.spki)(tbs, signature)).toBe(true);
  return assembleCertificate(tbs, template.signatureAlgorithm, signature);
}
