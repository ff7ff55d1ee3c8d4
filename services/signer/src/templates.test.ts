import { beforeEach, describe, expect, it } from 'vitest';
import { createTestSigner, profileDocument, type TestSigner } from './testing/test-signer.js';

let signer: TestSigner;

beforeEach(async () => {
  signer = await createTestSigner();
});

describe('templates', () => {
  it('are compiled once per revision and registered before they are used', async () => {
    expect(signer.ledger.templates.map(({ profile }) => profile).sort()).toEqual(['documents', 'tls']);
    const before = signer.templates.rules().ready('tls', 1)?.template;
    await signer.templates.apply(signer.snapshot);
    expect(signer.templates.rules().ready('tls', 1)?.template).toBe(before);
    expect(signer.ledger.templates.length).toBe(2);
  });

  it('that the ledger did not answer for are not used until it does', async () => {
    signer.addProfile(profileDocument('extra', 'fast'));
    signer.ledger.fail('registerTemplates', 'unavailable', false);
    await signer.templates.apply(signer.snapshot);
    expect(signer.templates.rules().ready('extra', 1)).toBeUndefined();
    await signer.templates.registerPending();
    expect(signer.templates.rules().ready('extra', 1)).toBeDefined();
  });

  it('about which another signer disagrees are refused alone', async () => {
    signer.addProfile(profileDocument('extra', 'fast'));
    signer.addProfile(profileDocument('other', 'fast'));
    signer.ledger.templateConflicts.add('extra');
    await signer.templates.apply(signer.snapshot);
    expect(signer.templates.rules().ready('extra', 1)).toBeUndefined();
    expect(signer.templates.rules().ready('other', 1)).toBeDefined();
    expect(signer.templates.counts()).toEqual({ ready: 3, pending: 0, refused: 1 });
  });

  it('of an earlier revision stay while rows claimed under it may be open', async () => {
    const [tls] = signer.snapshot.profiles;
    for (const revision of [2, 3, 4]) {
      if (tls) tls.revision = revision;
      await signer.templates.apply(signer.snapshot);
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
    await signer.templates.apply(signer.snapshot);
    expect(signer.templates.rules().ready('odd', 1)).toBeUndefined();
    expect(signer.templates.rules().ready('extra', 1)).toBeDefined();
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
    await signer.templates.apply(signer.snapshot);
    expect(signer.templates.counts()).toEqual({ ready: 2, pending: 0, refused: 0 });
  });
});
