import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import {
  assembleCertificate,
  compileTemplate,
  createVerifier,
  encodeSubject,
  lintVariable,
  type ProfileDocument,
  parseProfile,
  readCertificate,
} from '@sluice/pki';
import { median } from './median.js';

export interface SigningResult {
  /** Per second on one core, by what is done. */
  readonly bareSignPerSecond: number;
  readonly wholePerSecond: number;
  /** Whole in parts of bare. */
  readonly share: number;
}

const profile = JSON.stringify({
  name: 'bench',
  ca: 'bench-ca',
  purpose: 'subscriber',
  validity_seconds: 7_776_000,
  backdate_seconds: 60,
  subject: { common_name: 'required', organization: { static: 'Test Organization' } },
  keys: ['ec-p256'],
  key_usage: ['digitalSignature'],
  extended_key_usage: ['clientAuth'],
});

const rounds = 25;
const warmUpMs = 1000;

/** Everything a signer does for one certificate that needs neither ledger nor token: build, lint, sign, verify its own signature, assemble. */
export function measureSigningCore(seconds: number): SigningResult {
  const ca = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const caSpki = ca.publicKey.export({ type: 'spki', format: 'der' });
  const document: ProfileDocument = parseProfile(profile);
  const issuer = { subjectDer: encodeSubject({ common_name: 'Bench CA' }), spki: caSpki };
  const template = compileTemplate(document, issuer);
  const verify = createVerifier(caSpki);
  const spki = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });
  const content = { subject_dn: { common_name: 'client.example' }, san: {} };
  const notBefore = new Date(Math.floor(Date.now() / 1000) * 1000);
  const notAfter = new Date(notBefore.getTime() + document.validity_seconds * 1000 - 1000);
  const build = (subject: Uint8Array = spki) =>
    template.fill({ serial: Uint8Array.of(0x41, ...randomBytes(15)), notBefore, notAfter, content, spki: subject });
  const key = (tbs: Uint8Array): Uint8Array => sign('sha256', tbs, ca.privateKey);
  // One with the CA's own key bears the key identifier that the CA's certificate would.
  const sample = readCertificate(assembleCertificate(build(caSpki), template.signatureAlgorithm, new Uint8Array(1)));
  const context = {
    kind: 'subscriber' as const,
    issuer: { subjectDer: issuer.subjectDer, ski: sample.ski ?? new Uint8Array(), spki: caSpki },
    subjectSpki: spki,
    validitySecondsMax: document.validity_seconds,
    signingTime: notBefore,
  };

  const whole = (): void => {
    const tbs = build();
    const errors = lintVariable(tbs, context).filter(({ severity }) => severity === 'error');
    if (errors.length > 0)
      throw new Error(`the benchmark's certificate breaks ${errors.map(({ rule }) => rule).join()}`);
    const signature = key(tbs);
    if (!verify(tbs, signature)) throw new Error('the signature does not verify');
    assembleCertificate(tbs, template.signatureAlgorithm, signature);
  };
  const tbs = build();
  const bare = (): void => void key(tbs);
  // Until the engine has compiled both for good, as in a signer that has run for a minute.
  perSecond(whole, warmUpMs);
  perSecond(bare, warmUpMs / 4);
  // Alternating, and the middle of all rounds: a busy neighbour costs a round or two, not the figure.
  const ms = (seconds * 1000) / rounds / 2;
  const pairs = Array.from({ length: rounds }, () => ({ bare: perSecond(bare, ms), whole: perSecond(whole, ms) }));
  return {
    bareSignPerSecond: median(pairs.map((pair) => pair.bare)),
    wholePerSecond: median(pairs.map((pair) => pair.whole)),
    share: median(pairs.map((pair) => pair.whole / pair.bare)),
  };
}

function perSecond(work: () => void, ms: number): number {
  const beganAtMs = performance.now();
  let count = 0;
  while (performance.now() - beganAtMs < ms) {
    work();
    count += 1;
  }
  return (count * 1000) / (performance.now() - beganAtMs);
}
