import { createHash } from 'node:crypto';
import type { CaRow } from '@sluice/ledger';
import {
  assembleCertificate,
  caKeyKinds,
  compileTemplate,
  parseProfile,
  profileKeyKinds,
  validityOf,
} from '@sluice/pki';
import type { CreateCaBody } from '@sluice/registry-protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryRegistryStore, type MemoryRegistryStore } from '../testing/memory-registry-store.js';
import { queueIn } from '../testing/queue-in.js';
import type { AdminContext } from './admin-context.js';
import { applyProfile } from './apply-profile.js';
import { createAccount } from './create-account.js';
import { createCa } from './create-ca.js';
import { sampleKey } from './sample-keys.js';

const now = new Date('2026-11-21T10:00:00Z');
const start = new Date('2026-11-01T00:00:00Z');
const caProfile = (name: string, ca: string, more = ''): string => `
name: ${name}
ca: ${ca}
purpose: ca-certificate
validity_seconds: 157680000
subject:
  common_name: required
keys: [ec-p256]
key_usage: [keyCertSign, cRLSign]
basic_constraints:
  ca: true
${more}`;
const clientProfile = (name: string, ca: string, validityS = 86_400): string => `
name: ${name}
ca: ${ca}
purpose: subscriber
validity_seconds: ${validityS}
subject:
  common_name: required
keys: [ec-p256]
key_usage: [digitalSignature]
extended_key_usage: [clientAuth]
`;
const rootBody: CreateCaBody = {
  name: 'root',
  key_group: 'default',
  key_algorithm: 'ec-p256',
  subject_dn: { common_name: 'Root' },
  issuer: null,
  self_profile: caProfile('root', 'root'),
};
const issuingBody: CreateCaBody = {
  name: 'issuing',
  key_group: 'default',
  key_algorithm: 'ec-p256',
  subject_dn: { common_name: 'Issuing' },
  issuer: 'root',
  profile: 'issuing-ca',
};

let store: MemoryRegistryStore;
let context: AdminContext;
beforeEach(() => {
  store = createMemoryRegistryStore(now);
  const clock = (): Date => now;
  const randomBytes = (length: number): Uint8Array => new Uint8Array(length).fill(7);
  context = { name: 'registry-1', store, queue: queueIn(store), clock, ledgerClock: clock, randomBytes };
});

function setState(name: string, state: CaRow['state']): void {
  const index = store.cas.findIndex((ca) => ca.name === name);
  store.cas[index] = { ...(store.cas[index] as CaRow), state };
}
async function withRoot(state: CaRow['state'] = 'active'): Promise<void> {
  await createCa(context, 'alice', rootBody);
  setState('root', state);
  await applyProfile(context, 'alice', { document: caProfile('issuing-ca', 'root') });
}

function certify(profileYaml: string): void {
  const [row] = store.cas;
  const spki = sampleKey('ec-p256');
  const document = parseProfile(profileYaml);
  const { fill, signatureAlgorithm } = compileTemplate(document, { subjectDer: row?.subjectDer ?? spki, spki });
  const content = { subject_dn: { common_name: 'Root' }, san: {} };
  const tbs = fill({ serial: new Uint8Array(16).fill(77), ...validityOf(document, start, null), content, spki });
  const certificate = assembleCertificate(tbs, signatureAlgorithm, Uint8Array.of(1));
  store.cas[0] = { ...(row as CaRow), state: 'active', spki, certificate };
}

describe('creating a CA', () => {
  it('puts a root into the registry with the profile that it signs itself by', async () => {
    const answer = await createCa(context, 'alice', rootBody);
    expect(answer).toMatchObject({ dry_run: false, epoch: '2', issuer: 'root', certificate_profile: 'root' });
    expect(store.cas[0]).toMatchObject({ state: 'pending', subject: '{"common_name":"Root"}', issuer: 'root' });
    expect(Buffer.from(store.cas[0]?.subjectDer ?? []).toString('hex')).toBe('300f310d300b06035504030c04526f6f74');
    expect(store.changes).toEqual([{ operator: 'alice', kind: 'ca-create', subject: 'root' }]);
  });

  it('puts another under an active or pending issuer, by that issuer’s profile', async () => {
    await withRoot();
    await expect(createCa(context, 'alice', issuingBody)).resolves.toMatchObject({ certificate_profile: 'issuing-ca' });
    setState('root', 'pending');
    const second = { ...issuingBody, name: 'issuing-2', subject_dn: { common_name: 'Second' } };
    await expect(createCa(context, 'alice', second)).resolves.toMatchObject({ issuer: 'root' });
  });

  it('stores the subject as the certificate will have it, the profile’s own values included', async () => {
    await withRoot();
    const document = caProfile('issuing-ca', 'root').replace('subject:', 'subject:\n  country: {static: DE}');
    await applyProfile(context, 'alice', { document });
    await createCa(context, 'alice', issuingBody);
    expect(store.cas[1]?.subject).toBe('{"common_name":"Issuing","country":"DE"}');
  });

  const refusals: [string, Partial<CreateCaBody>, string, string][] = [
    ['a name that is taken', { name: 'root' }, 'conflict', '/name'],
    ['a subject that is taken', { subject_dn: { common_name: 'Root' } }, 'conflict', '/subject_dn'],
    ['an unknown issuer', { issuer: 'nobody' }, 'ca-unknown', '/issuer'],
    ['an unknown profile', { profile: 'nothing' }, 'profile-unknown', '/profile'],
    ['a profile for subscribers', { profile: 'client' }, 'profile-unknown', '/profile'],
    ['an empty subject', { subject_dn: {} }, 'subject-invalid', '/subject_dn/common_name'],
    [
      'a subject the profile forbids',
      { subject_dn: { common_name: 'A', country: 'DE' } },
      'subject-invalid',
      '/subject_dn/country',
    ],
    ['a NUL in the subject', { subject_dn: { common_name: 'a\u0000' } }, 'subject-invalid', '/subject_dn/common_name'],
    ['an algorithm the profile does not take', { key_algorithm: 'rsa-4096' }, 'key-weak', '/key_algorithm'],
    ['a root that exists', { ...rootBody }, 'conflict', '/name'],
  ];
  it.each(refusals)('refuses %s', async (_, change, code, pointer) => {
    await withRoot();
    await applyProfile(context, 'alice', { document: clientProfile('client', 'root') });
    const verdict = createCa(context, 'alice', { ...issuingBody, ...change });
    await expect(verdict).rejects.toMatchObject({ code, facts: { pointer } });
    expect(store.cas).toHaveLength(1);
  });

  it('refuses the profile of another issuer', async () => {
    await withRoot();
    const other = { ...rootBody, name: 'other', subject_dn: { common_name: 'Other' } };
    await createCa(context, 'alice', { ...other, self_profile: caProfile('other', 'other') });
    const verdict = createCa(context, 'alice', { ...issuingBody, issuer: 'other' });
    await expect(verdict).rejects.toMatchObject({ code: 'profile-unknown' });
  });

  it.each(['disabled', 'retiring', 'destroying', 'destroyed'] as const)('refuses a %s issuer', async (state) => {
    await withRoot();
    setState('root', state);
    await expect(createCa(context, 'alice', issuingBody)).rejects.toMatchObject({ code: `ca-${state}` });
  });

  it('refuses a root whose profile is for another CA or purpose', async () => {
    for (const self_profile of [caProfile('root', 'other'), clientProfile('root', 'root'), 'name: [']) {
      const verdict = createCa(context, 'alice', { ...rootBody, self_profile });
      await expect(verdict).rejects.toMatchObject({ code: 'profile-invalid', facts: { pointer: '/self_profile' } });
    }
  });

  it('says in a dry run what it would do or refuse, and changes nothing', async () => {
    await withRoot();
    const before = [...store.changes];
    const answer = await createCa(context, 'alice', { ...issuingBody, dry_run: true });
    expect(answer).toMatchObject({ dry_run: true, name: 'issuing' });
    const refused = createCa(context, 'alice', { ...issuingBody, issuer: 'nobody', dry_run: true });
    await expect(refused).rejects.toMatchObject({ code: 'ca-unknown' });
    expect(store.changes).toEqual(before);
  });
});

describe('what an issuer’s certificate bounds', () => {
  const bounded = (name: string, pathLength: number): string => caProfile(name, 'root', `  path_length: ${pathLength}`);

  /** Gives the root a certificate by this profile, from 2026-11-01 on; nobody looks at its signature here. */
  it.each([
    [0, 0, 'its issuer may certify none'],
    [0, 5, 'its issuer may certify none'],
    [1, 1, 'not smaller'],
    [1, undefined, 'none of its own'],
  ])('refuses, below path length %s, a CA with %s: %s', async (issuerBound, bound, _) => {
    const root = bounded('root', issuerBound);
    await createCa(context, 'alice', { ...rootBody, self_profile: root });
    const document = bound === undefined ? caProfile('issuing-ca', 'root') : bounded('issuing-ca', bound);
    await applyProfile(context, 'alice', { document: document.replace('157680000', '86400') });
    const refused = { code: 'not-permitted', facts: { pointer: '/profile' } };
    await expect(createCa(context, 'alice', issuingBody)).rejects.toMatchObject(refused);
    certify(root);
    await expect(createCa(context, 'alice', { ...issuingBody, dry_run: true })).rejects.toMatchObject(refused);
    expect(store.cas).toHaveLength(1);
  });

  it('goes by the certificate that the issuer has, not by what its profile says now', async () => {
    await withRoot();
    certify(bounded('root', 0));
    await expect(createCa(context, 'alice', issuingBody)).rejects.toMatchObject({ code: 'not-permitted' });
  });

  it('refuses a CA that would outlive its issuer', async () => {
    await withRoot();
    certify(caProfile('root', 'root'));
    const refused = { code: 'ca-expiring', facts: { pointer: '/profile', ca_not_after: '2031-10-30T23:59:59.000Z' } };
    await expect(createCa(context, 'alice', issuingBody)).rejects.toMatchObject(refused);
    await applyProfile(context, 'alice', { document: caProfile('issuing-ca', 'root').replace('157680000', '86400') });
    await expect(createCa(context, 'alice', issuingBody)).resolves.toMatchObject({ issuer: 'root' });
  });
});

describe('the profile of a root', () => {
  it('is refused when the root would break a rule by it', async () => {
    const self_profile = caProfile('root', 'root').replace(', cRLSign', '');
    const verdict = createCa(context, 'alice', { ...rootBody, self_profile });
    await expect(verdict).rejects.toMatchObject({
      code: 'profile-invalid',
      facts: { pointer: '/self_profile', findings: [{ code: 'lint-failed', rule: 'key-usage-ca-signs' }] },
    });
    expect(store.cas).toEqual([]);
    await expect(createCa(context, 'alice', rootBody)).resolves.toMatchObject({ warnings: [] });
  });
});

describe('applying a profile', () => {
  it('counts revisions, and an equal document changes nothing', async () => {
    await withRoot();
    const apply = (validityS: number, dry_run = false): Promise<{ revision: number; unchanged: boolean }> =>
      applyProfile(context, 'alice', { document: clientProfile('client', 'root', validityS), dry_run });
    expect(await apply(3600, true)).toMatchObject({ revision: 1, unchanged: false });
    expect(await apply(3600)).toMatchObject({ revision: 1, unchanged: false });
    expect(await apply(3600, true)).toMatchObject({ revision: 1, unchanged: true });
    expect(await apply(3600)).toMatchObject({ revision: 1, unchanged: true });
    expect(await apply(7200, true)).toMatchObject({ revision: 2, unchanged: false });
    expect(await apply(7200)).toMatchObject({ revision: 2, unchanged: false });
  });

  it('names the place of every fault in the document', async () => {
    const verdict = applyProfile(context, 'alice', { document: 'name: x\nca: y\ncolour: red\n' });
    await expect(verdict).rejects.toMatchObject({ code: 'profile-invalid', facts: { pointer: '/document' } });
    const error = await verdict.catch((thrown: unknown) => thrown as { facts: { findings: { detail: string }[] } });
    const details = (error as { facts: { findings: { detail: string }[] } }).facts.findings.map(
      (finding) => finding.detail,
    );
    expect(details.find((detail) => detail.includes('/colour'))).toContain('line 3');
    expect(details.length).toBeGreaterThan(3);
  });

  it('refuses one whose certificates would break a rule, naming rule, section and place', async () => {
    await withRoot();
    const before = store.changes.length;
    const document = caProfile('below', 'root').replace(', cRLSign', '');
    await expect(applyProfile(context, 'alice', { document })).rejects.toMatchObject({
      code: 'profile-invalid',
      facts: {
        pointer: '/document',
        findings: [
          {
            pointer: '/document',
            code: 'lint-failed',
            rule: 'key-usage-ca-signs',
            source: 'BR 7.1.2.10.7',
            path: 'extensions.keyUsage',
          },
        ],
      },
    });
    expect(store.changes.length).toBe(before);
  });

  it('lints by the key that the CA has, and by one of its kind while it has none', async () => {
    await withRoot('pending');
    const document = clientProfile('client', 'root').replace('[ec-p256]', `[${profileKeyKinds.join(', ')}]`);
    const withoutKey = await applyProfile(context, 'alice', { document, dry_run: true });
    expect(withoutKey).toMatchObject({ revision: 1, warnings: [] });
    for (const kind of caKeyKinds) {
      const spki = sampleKey(kind);
      store.cas[0] = { ...(store.cas[0] as CaRow), keyAlgorithm: kind, spki };
      await expect(applyProfile(context, 'alice', { document, dry_run: true })).resolves.toMatchObject({
        warnings: [],
      });
    }
  });

  it('lints a new revision of the profile by which a root signs itself as a root', async () => {
    await withRoot();
    const document = caProfile('root', 'root').replace('validity_seconds: 157680000', 'validity_seconds: 315360000');
    await expect(applyProfile(context, 'alice', { document })).resolves.toMatchObject({ revision: 2, warnings: [] });
    const verdict = applyProfile(context, 'alice', { document: document.replace(', cRLSign', '') });
    await expect(verdict).rejects.toMatchObject({ facts: { findings: [{ rule: 'key-usage-ca-signs' }] } });
  });

  describe('at a CA whose certificate ends', () => {
    /** The CA ends 2031-10-30; this much before that. */
    const secondsBefore = (seconds: number): void => {
      const end = Date.parse('2031-10-30T23:59:59Z');
      context = { ...context, clock: () => new Date(end - seconds * 1000) };
    };
    const apply = (document: string) => applyProfile(context, 'alice', { document, dry_run: true });
    const day = 86_400;
    const requesting = `${clientProfile('client', 'root', 10 * day)}requested_validity:\n  min_seconds: ${2 * day}\n  max_seconds: ${20 * day}\n`;
    beforeEach(async () => {
      await withRoot();
      certify(caProfile('root', 'root'));
    });

    it('refuses a life that is longer than what is left, with its place', async () => {
      secondsBefore(day - 1);
      await expect(apply(clientProfile('client', 'root', day))).resolves.toMatchObject({ revision: 1 });
      secondsBefore(day - 2);
      await expect(apply(clientProfile('client', 'root', day))).rejects.toMatchObject({
        code: 'profile-invalid',
        facts: {
          pointer: '/document',
          findings: [{ code: 'ca-expiring', path: '/validity_seconds', line: 5, column: 19 }],
        },
      });
    });

    it('refuses a life to be asked for whose shortest is longer; while that fits, it warns', async () => {
      const warned = [{ rule: 'validity-within-issuer', detail: expect.stringMatching('no shorter validity') }];
      secondsBefore(2 * day - 1);
      await expect(apply(requesting)).resolves.toMatchObject({ warnings: warned });
      secondsBefore(2 * day - 2);
      await expect(apply(requesting)).rejects.toMatchObject({
        facts: { findings: [{ path: '/requested_validity/min_seconds', line: 12, column: 16 }] },
      });
    });

    it('warns when what is issued today cannot be renewed for as long', async () => {
      secondsBefore(2 * day - 1);
      await expect(apply(clientProfile('client', 'root', day))).resolves.toMatchObject({ warnings: [] });
      secondsBefore(2 * day - 2);
      const warned = [{ rule: 'validity-within-issuer', detail: expect.stringMatching('renewed') }];
      await expect(apply(clientProfile('client', 'root', day))).resolves.toMatchObject({ warnings: warned });
      await expect(apply(caProfile('below', 'root').replace('157680000', `${day}`))).resolves.toMatchObject({
        warnings: [],
      });
    });

    it('does not hold a root to itself', async () => {
      secondsBefore(day);
      await expect(apply(caProfile('root', 'root'))).resolves.toMatchObject({ unchanged: true, warnings: [] });
    });
  });

  it('keeps a profile with its CA and purpose, and refuses unknown and dead CAs', async () => {
    await withRoot();
    await applyProfile(context, 'alice', { document: clientProfile('client', 'root') });
    const verdict = (document: string): Promise<unknown> => applyProfile(context, 'alice', { document });
    await expect(verdict(caProfile('client', 'root'))).rejects.toMatchObject({ code: 'conflict' });
    await expect(verdict(clientProfile('x', 'nobody'))).rejects.toMatchObject({ code: 'ca-unknown' });
    await expect(verdict(clientProfile('x-', 'root'))).rejects.toMatchObject({ code: 'profile-invalid' });
    setState('root', 'destroyed');
    await expect(verdict(clientProfile('x', 'root'))).rejects.toMatchObject({ code: 'ca-destroyed' });
  });
});

describe('creating an account', () => {
  it('shows the key once and stores its hash', async () => {
    await withRoot();
    await applyProfile(context, 'alice', { document: clientProfile('client', 'root') });
    const trial = await createAccount(context, 'alice', { name: 'acme', profiles: ['client'], dry_run: true });
    expect(trial.api_key).toBeNull();
    const { api_key } = await createAccount(context, 'alice', { name: 'acme', profiles: ['client', 'client'] });
    expect(api_key).toMatch(/^slk_[A-Za-z0-9_-]{43}$/);
    const { accounts } = await store.state();
    const hash = createHash('sha256').update(String(api_key)).digest('hex');
    expect(accounts).toHaveLength(1);
    expect(accounts[0]?.profiles).toEqual(['client']);
    expect(accounts[0]?.apiKeyHashes.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual([hash]);
    const again = createAccount(context, 'alice', { name: 'acme', profiles: [] });
    await expect(again).rejects.toMatchObject({ code: 'conflict' });
  });

  it.each(['nothing', 'issuing-ca'])('refuses the profile %s', async (profile) => {
    await withRoot();
    const verdict = createAccount(context, 'alice', { name: 'acme', profiles: [profile] });
    await expect(verdict).rejects.toMatchObject({ code: 'profile-unknown', facts: { pointer: '/profiles/0' } });
  });
});
