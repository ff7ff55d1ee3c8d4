import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseProfile } from '@sluice/pki';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CommandRig, problem, startCommandRig } from '../testing/command-rig.js';

let rig: CommandRig;
beforeEach(async () => {
  rig = await startCommandRig();
});
afterEach(() => rig.end());

const time = '2026-11-21T10:00:00.000Z';
const ca = {
  name: 'root',
  key_group: 'default',
  state: 'pending',
  quarantined: false,
  quarantined_tokens: [],
  key_algorithm: 'ec-p256',
  subject_dn: { common_name: 'Root' },
  issuer: 'root',
  certificate_profile: 'root',
  spki_sha256: null as string | null,
  certificate_pem: null,
  serial: null,
  not_before: null,
  not_after: null,
  epoch: '2',
  created_at: time,
};
const created = {
  dry_run: false,
  epoch: '2',
  name: 'root',
  issuer: 'root',
  certificate_profile: 'root',
  key_group: 'default',
  key_algorithm: 'ec-p256',
};
describe('sluice ca', () => {
  const profile = '-';
  beforeEach(() => {
    rig.input = 'name: root\n';
  });
  const create = [
    'ca',
    'create',
    'root',
    '--subject',
    'common_name=A=B',
    '--subject',
    'organizational_unit=x',
    '--subject',
    'organizational_unit=y',
  ];

  it('creates, in a dry run too', async () => {
    rig.answers['POST /admin/v1/cas'] = [[201, created]];
    expect(await rig.sluice(...create, '--self-profile', profile)).toBe(0);
    expect(rig.calls[0]?.body).toEqual({
      name: 'root',
      key_group: 'default',
      key_algorithm: 'ec-p256',
      subject_dn: { common_name: 'A=B', organizational_unit: ['x', 'y'] },
      issuer: null,
      self_profile: 'name: root\n',
      dry_run: false,
    });
    rig.answers['POST /admin/v1/cas'] = [[200, { ...created, dry_run: true }]];
    expect(await rig.sluice(...create, '--issuer', 'root', '--profile', 'p', '--dry-run', '--wait')).toBe(0);
    expect(rig.calls[1]?.body).toMatchObject({ issuer: 'root', profile: 'p', dry_run: true });
    expect(rig.out[1]).toContain('Nothing was changed');
  });

  it('waits until it is active, telling each step once', async () => {
    rig.answers['POST /admin/v1/cas'] = [[201, created]];
    const made = { ...ca, spki_sha256: 'ab' };
    rig.answers['GET /admin/v1/cas/root'] = [
      [200, ca],
      [200, ca],
      [200, made],
      [200, { ...made, state: 'active' }],
    ];
    expect(await rig.sluice(...create, '--self-profile', profile, '--wait')).toBe(0);
    expect(rig.err).toEqual([
      'root pending: a signer makes its key',
      'root pending: its key is made, root certifies it',
      'root active',
    ]);
  });

  it('stops waiting at Ctrl-C with what goes on without it', async () => {
    rig.answers['POST /admin/v1/cas'] = [[201, created]];
    rig.answers['GET /admin/v1/cas/root'] = [[200, ca]];
    rig.interruptAtPause = 2;
    expect(await rig.sluice(...create, '--self-profile', profile, '--wait')).toBe(4);
    expect(rig.err.join('\n')).toContain('goes on without you');
  });

  it.each([
    ['neither root nor issued', [...create]],
    ['both', [...create, '--self-profile', profile, '--issuer', 'r', '--profile', 'p']],
    ['half an issuer', [...create, '--issuer', 'r']],
    ['no subject', ['ca', 'create', 'root', '--self-profile', profile]],
    ['a subject that is none', ['ca', 'create', 'root', '--subject', 'Demo', '--self-profile', profile]],
    [
      'a field twice',
      ['ca', 'create', 'r', '--subject', 'country=DE', '--subject', 'country=FR', '--self-profile', profile],
    ],
    ['an unknown algorithm', [...create, '--self-profile', profile, '--key-algorithm', 'dsa']],
    ['a file that is not there', [...create, '--self-profile', '/nowhere/absent.yaml']],
    ['no reason', ['ca', 'disable', 'root']],
    ['an unknown command', ['ca', 'destroy', 'root']],
  ])('is exit code 2 for %s, and asks nothing of the registry', async (_, args) => {
    expect(await rig.sluice(...args)).toBe(2);
    expect(rig.calls).toEqual([]);
    expect(rig.err.join('')).not.toBe('');
  });
});

describe('sluice profile and account', () => {
  it('applies documents in order, from standard input too, and stops at the first refusal', async () => {
    const answer = { dry_run: false, epoch: '3', name: 'tls', ca: 'demo', revision: 4, unchanged: true };
    rig.answers['POST /admin/v1/profiles'] = [
      [201, answer],
      problem(422, 'profile-invalid', {
        findings: [
          { pointer: '/document', detail: 'one' },
          { pointer: '/document', detail: 'two' },
        ],
      }),
    ];
    const file = join(rig.dir, 'tls.yaml');
    writeFileSync(file, 'name: tls\n');
    rig.input = 'name: other\n';
    expect(await rig.sluice('profile', 'apply', file, '-', file)).toBe(4);
    expect(rig.calls.map(({ body }) => body)).toEqual([
      { document: 'name: tls\n', dry_run: false },
      { document: 'name: other\n', dry_run: false },
    ]);
    expect(rig.out).toEqual(['tls (demo) unchanged, revision 4']);
    expect(rig.err.join('\n')).toMatch(/\/document: one[\s\S]*\/document: two/);
  });

  it('says where in which file a document is at fault, and which rule its certificates would break', async () => {
    const findings = [
      { pointer: '/document', path: '/colour', line: 3, column: 1, detail: '/colour is no member (line 3, column 1)' },
      {
        pointer: '/document',
        path: 'extensions.keyUsage',
        detail: 'must set cRLSign',
        rule: 'ca-signs',
        source: 'BR 7',
      },
    ];
    rig.answers['POST /admin/v1/profiles'] = [problem(422, 'profile-invalid', { findings })];
    const file = join(rig.dir, 'tls.yaml');
    writeFileSync(file, 'name: tls\n');
    expect(await rig.sluice('profile', 'apply', file)).toBe(4);
    const lines = rig.err.join('\n').split('\n');
    expect(lines).toContain(`  ${file}:3:1: /colour is no member`);
    expect(lines).toContain(`  ${file}: extensions.keyUsage must set cRLSign (ca-signs, BR 7)`);
  });

  it('tells warnings beside what was done', async () => {
    const warnings = [{ rule: 'r', source: 'RFC 1', path: 'extensions.x', detail: 'should be there' }];
    const answer = { dry_run: false, epoch: '3', name: 'tls', ca: 'demo', revision: 4, unchanged: false, warnings };
    rig.answers['POST /admin/v1/profiles'] = [[201, answer]];
    rig.input = 'name: tls\n';
    expect(await rig.sluice('profile', 'apply', '-')).toBe(0);
    expect([rig.out, rig.err]).toEqual([
      ['tls (demo) is revision 4'],
      ['-: warning: extensions.x should be there (r, RFC 1)'],
    ]);
    rig.out.length = 0;
    rig.answers['POST /admin/v1/profiles'] = [[201, answer]];
    expect(await rig.sluice('profile', 'apply', '-', '--json')).toBe(0);
    expect(JSON.parse(rig.out.join(''))).toMatchObject([{ revision: 4, warnings }]);
  });

  describe('profile diff', () => {
    const yaml =
      'name: tls\nca: demo\npurpose: subscriber\nvalidity_seconds: 600\nsubject: { common_name: required }\n' +
      'keys: [ec-p256]\nkey_usage: [digitalSignature]\n';
    beforeEach(() => {
      const view = { name: 'tls', ca: 'demo', purpose: 'subscriber', state: 'enabled', revision: 4, epoch: '3' };
      const document = { ...parseProfile(yaml), validity_seconds: 300, description: 'Old' };
      rig.answers['GET /admin/v1/profiles/tls'] = [
        [200, { ...view, created_at: '2026-11-21T10:00:00.000Z', document }],
      ];
      rig.input = yaml;
    });

    it('shows what goes, what comes and what changes', async () => {
      expect(await rig.sluice('profile', 'diff', 'tls', '-')).toBe(0);
      expect(rig.out.join('\n').split('\n').slice(1)).toEqual([
        '- /description: "Old"',
        '- /validity_seconds: 300',
        '+ /validity_seconds: 600',
      ]);
      rig.out.length = 0;
      expect(await rig.sluice('profile', 'diff', 'tls', '-', '--json')).toBe(0);
      expect(JSON.parse(rig.out.join(''))).toMatchObject({
        revision: 4,
        changes: [{ change: 'removed' }, { change: 'changed', pointer: '/validity_seconds', before: 300, after: 600 }],
      });
    });

    it('says where the file is at fault, and asks nobody', async () => {
      rig.input = `${yaml}colour: red\n`;
      expect(await rig.sluice('profile', 'diff', 'tls', '-')).toBe(4);
      expect(rig.err.join('\n')).toMatch(/-:8:\d+: \/colour/);
      expect(rig.calls).toEqual([]);
    });
  });

  it('shows a new key once, whole', async () => {
    const answer = { dry_run: false, epoch: '3', name: 'acme', profiles: ['tls'], api_key: 'slk_abc' };
    rig.answers['POST /admin/v1/accounts'] = [[201, answer]];
    expect(await rig.sluice('account', 'create', 'acme', '--profile', 'tls', '--profile', 'doc')).toBe(0);
    expect(rig.calls[0]?.body).toEqual({ name: 'acme', profiles: ['tls', 'doc'], dry_run: false });
    expect(rig.out[0]).toContain('slk_abc');
  });

  it.each([
    ['ca', 'cas'],
    ['profile', 'profiles'],
    ['account', 'accounts'],
  ])('says what to do when there is no %s', async (noun, plural) => {
    rig.answers[`GET /admin/v1/${plural}`] = [[200, { epoch: '1', [plural]: [] }]];
    expect(await rig.sluice(noun, 'ls')).toBe(0);
    expect(rig.out[0]).toContain('--help');
  });
});
