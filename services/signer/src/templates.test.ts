import { assembleCertificate, checkProfile, compileTemplate, readCertificate } from '@sluice/pki';
import { beforeEach, describe, expect, it } from 'vitest';
import { createTestSigner, profileDocument, type TestSigner } from './testing/test-signer.js';

let signer: TestSigner;

beforeEach(async () => {
  signer = await createTestSigner();
});

/** A certificate of the CA `fast`, as far as it is read here. */
async function certifyFast({ keyStore, snapshot }: TestSigner): Promise<Uint8Array> {
  const { spki } = await keyStore.find('fast');
  const subjectDer = Buffer.from(snapshot.cas[0]?.subjectDer ?? '', 'base64');
  const template = compileTemplate(profileDocument('self', 'fast'), { subjectDer, spki });
  const tbs = template.fill({
    serial: new Uint8Array(16).fill(0x41),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2036-01-01T00:00:00Z'),
    content: { subject_dn: { common_name: 'fast' }, san: {} },
    spki,
  });
  return assembleCertificate(tbs, template.signatureAlgorithm, new Uint8Array(1));
}

describe('templates', () => {
  it('are compiled once per revision and registered before they are used', async () => {
    expect(signer.ledger.templates.map(({ profile }) => profile).sort()).toEqual(['documents', 'tls']);
    const before = signer.templates.rules().ready('tls', 1)?.template;
    await signer.apply();
    expect(signer.templates.rules().ready('tls', 1)?.template).toBe(before);
    expect(signer.ledger.templates.length).toBe(2);
  });

  it('that the ledger did not answer for are not used until it does', async () => {
    signer.addProfile(profileDocument('extra', 'fast'));
    signer.ledger.fail('registerTemplates', 'unavailable', false);
    await signer.apply();
    expect(signer.templates.rules().ready('extra', 1)).toBeUndefined();
    await signer.templates.registerPending();
    expect(signer.templates.rules().ready('extra', 1)).toBeDefined();
  });

  it('about which another signer disagrees are refused alone', async () => {
    signer.addProfile(profileDocument('extra', 'fast'));
    signer.addProfile(profileDocument('other', 'fast'));
    signer.ledger.templateConflicts.add('extra');
    await signer.apply();
    expect(signer.templates.rules().ready('extra', 1)).toBeUndefined();
    expect(signer.templates.rules().ready('other', 1)).toBeDefined();
    expect(signer.templates.counts()).toEqual({ ready: 3, pending: 0, refused: 1 });
  });

  it('about which another signer disagrees, and then the ledger goes away: the rules count all the same', async () => {
    signer.addProfile(profileDocument('extra', 'fast'));
    signer.addProfile(profileDocument('other', 'fast'));
    signer.ledger.templateConflicts.add('extra');
    const { registerTemplates } = signer.ledger;
    let calls = 0;
    signer.ledger.registerTemplates = (...about) => {
      calls += 1;
      if (calls > 1) signer.ledger.fail('registerTemplates', 'unavailable', false);
      return registerTemplates.apply(signer.ledger, about);
    };
    await signer.apply();
    expect(signer.templates.counts()).toEqual({ ready: 2, pending: 2, refused: 0 });
    signer.ledger.registerTemplates = registerTemplates;
    await signer.templates.registerPending();
    expect(signer.templates.counts()).toEqual({ ready: 3, pending: 0, refused: 1 });
  });

  it('of an earlier revision stay while rows claimed under it may be open', async () => {
    const [tls] = signer.snapshot.profiles;
    for (const revision of [2, 3, 4]) {
      if (tls) tls.revision = revision;
      await signer.apply();
    }
    const known = [1, 2, 3, 4].filter((revision) => signer.templates.rules().ready('tls', revision));
    expect(known).toEqual([2, 3, 4]);
  });

  it('that cannot be compiled do not take the others with them', async () => {
    signer.snapshot.profiles.push({
      name: 'odd',
      ca: 'fast',
      state: 'enabled',
      revision: 1,
      document: { name: 'odd' },
    });
    signer.addProfile(profileDocument('extra', 'fast'));
    await signer.apply();
    expect(signer.templates.rules().ready('odd', 1)).toBeUndefined();
    expect(signer.templates.rules().ready('extra', 1)).toBeDefined();
  });

  it('that would make certificates against a rule are not used, and do not take the others with them', async () => {
    const odd = profileDocument('odd', 'fast', {
      purpose: 'ca-certificate',
      key_usage: ['keyCertSign'],
      extended_key_usage: [],
      basic_constraints: { ca: true },
    });
    expect(() => checkProfile(odd)).not.toThrow();
    signer.addProfile(odd);
    signer.addProfile(profileDocument('extra', 'fast'));
    await signer.apply();
    expect(signer.ledger.templates.map(({ profile }) => profile).sort()).toEqual(['documents', 'extra', 'tls']);
    expect(signer.templates.rules().ready('odd', 1)).toBeUndefined();
  });

  it('are compared with the certificate of the CA once there is one, without being compiled again', async () => {
    const before = signer.templates.rules().ready('tls', 1);
    expect(before?.lintPlan.issuer.notAfter).toBeUndefined();
    const [fast] = signer.snapshot.cas;
    if (!fast) throw new Error('a CA');
    fast.certificate = Buffer.from(await certifyFast(signer)).toString('base64');
    await signer.apply();
    const after = signer.templates.rules().ready('tls', 1);
    expect(after?.template).toBe(before?.template);
    expect(after?.lintPlan.issuer).toMatchObject({
      ski: before?.lintPlan.issuer.ski,
      notAfter: readCertificate(Buffer.from(fast.certificate, 'base64')).notAfter,
    });
    expect(signer.ledger.templates.length).toBe(2);
  });

  it('of another key group, of a disabled profile and of a CA without a key are not made', async () => {
    const [fast, slow] = signer.snapshot.cas;
    if (!fast || !slow) throw new Error('two CAs');
    signer.snapshot.cas.push({ ...fast, name: 'far', keyGroup: 'elsewhere' }, { ...fast, name: 'new', spki: null });
    signer.addProfile(profileDocument('far', 'far'));
    signer.addProfile(profileDocument('new', 'new'));
    signer.addProfile(profileDocument('off', 'fast'));
    const off = signer.snapshot.profiles.at(-1);
    if (off) off.state = 'disabled';
    await signer.apply();
    expect(signer.templates.counts()).toEqual({ ready: 2, pending: 0, refused: 0 });
  });
});
