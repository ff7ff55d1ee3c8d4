import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type Status, statusSchema, verifyToken, type Why } from '@sluice/registry-protocol';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from './config.js';
import { run } from './run.js';
import type { Terminal } from './terminal.js';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const dir = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
const keyFile = join(dir, 'alice.pem');
writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
afterAll(() => rmSync(dir, { recursive: true }));

/** A registry that checks tokens and answers what the test says, in order for one address. */
let answers: Record<string, [status: number, body: unknown][]>;
let calls: { call: string; body: unknown }[];
let server: Server;
let hangsUp: boolean;

let out: string[];
let err: string[];
let typed: string;
let interactive: boolean;
let pauses: number;
let interruptAfter: number;
let input: string;
const terminal: Terminal = {
  out: (text) => void out.push(text),
  err: (text) => void err.push(text),
  get interactive() {
    return interactive;
  },
  ask: async () => typed,
  readInput: async () => input,
  clear: () => void out.push('<clear>'),
  pause: async () => {
    pauses += 1;
  },
  interrupted: () => pauses >= interruptAfter,
  now: () => new Date(),
};

beforeEach(async () => {
  answers = {};
  calls = [];
  out = [];
  err = [];
  typed = '';
  interactive = false;
  pauses = 0;
  interruptAfter = 1000;
  input = '';
  hangsUp = false;
  server = createServer((req, res) => {
    void buffer(req).then(async (body) => {
      if (hangsUp) {
        res.destroy();
        return;
      }
      const call = `${req.method} ${req.url}`;
      calls.push({ call, body: body.length === 0 ? undefined : JSON.parse(body.toString()) });
      await verifyToken({
        authorization: req.headers.authorization,
        method: req.method ?? '',
        path: req.url ?? '',
        body,
        publicKeyOf: async (name) =>
          name === 'alice' ? createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })) : undefined,
        now: new Date(),
      });
      const left = answers[call] ?? [];
      const [status, answer] = (left.length > 1 ? left.shift() : left[0]) ?? [404, {}];
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
async function closeServer(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
afterEach(closeServer);

function sluice(...args: string[]): Promise<number> {
  const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return run(['--registry', registry, '--operator', 'alice', '--key', keyFile, ...args], { terminal });
}
const problem = (status: number, code: string, more: object = {}): [number, object] => [
  status,
  {
    type: `/problems/${code}`,
    title: 'T',
    status,
    detail: 'What happened',
    code,
    what_to_do: 'Do this.',
    request_id: 'req-12345',
    ...more,
  },
];
const time = '2026-11-21T10:00:00.000Z';
const ca = {
  name: 'root',
  key_group: 'default',
  state: 'pending',
  quarantined: false,
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
const status: Status = {
  registry: 'registry-1',
  at: time,
  epoch: '7',
  cas: [{ ...ca, state: 'active', not_after: '2046-11-21T10:00:00.000Z' }],
  lanes: [{ lane: 'interactive.default', queued: 12, signing: 3, oldest_age_ms: 9000 }],
  subscribers: [
    {
      name: 'signer-1',
      service: 'signer',
      incarnation: '3',
      standing: 'applied',
      applied_epoch: '7',
      lease_until: '2026-11-21T10:00:25.000Z',
      renewed_at: time,
    },
  ],
  recent_ends: [
    { state: 'issued', code: null, count: 40 },
    { state: 'rejected', code: 'ca-disabled', count: 2 },
  ],
  next_steps: ['Look at lane interactive.default.'],
};

describe('sluice status', () => {
  it('is one screen', async () => {
    answers['GET /admin/v1/status'] = [[200, status]];
    expect(await sluice('status')).toBe(0);
    const [screen = ''] = out;
    for (const text of [
      'epoch 7',
      'root',
      '2046-11-21',
      'interactive.default',
      '9 s',
      '25 s left',
      '7/7',
      '40 issued · 2 rejected ca-disabled',
      '→ Look at lane',
    ]) {
      expect(screen).toContain(text);
    }
    expect(screen.split('\n').length).toBeLessThan(24);
    expect(Math.max(...screen.split('\n').map((line) => line.length))).toBeLessThan(100);
  });

  it('is JSON when asked for', async () => {
    answers['GET /admin/v1/status'] = [[200, status]];
    expect(await sluice('status', '--json')).toBe(0);
    expect(JSON.parse(out.join(''))).toEqual(statusSchema.parse(status));
  });

  it('is watched until Ctrl-C, and sees the registry come back', async () => {
    answers['GET /admin/v1/status'] = [[200, status], problem(503, 'unavailable'), [200, status]];
    interruptAfter = 3;
    expect(await sluice('status', '--watch')).toBe(0);
    expect(out.filter((text) => text === '<clear>')).toHaveLength(2);
    expect(err.join('')).toContain('What happened');
  });
});

describe('sluice why', () => {
  const why: Why = {
    request_id: '01993c00-0000-7000-8000-000000000000',
    account: 'acme',
    profile: 'tls',
    profile_revision: 2,
    ca: 'demo',
    purpose: 'subscriber',
    class: 'interactive',
    key_group: 'default',
    fingerprint: 'aa',
    content: '{"san":{},"subject_dn":{}}',
    state: 'issued',
    accepted_at: '2026-11-21T10:00:00.100Z',
    deadline: null,
    code: null,
    detail: null,
    withheld: null,
    serial: '21cd',
    not_before: time,
    not_after: time,
    certificate_pem: null,
    attempts: [
      {
        attempt: 1,
        serial: '20ab',
        serial_state: 'burned',
        signer: 'signer-1',
        claimed_at: '2026-11-21T10:00:00.103Z',
        lease_until: time,
        profile_revision: 2,
        epoch: '7',
      },
      {
        attempt: 2,
        serial: '21cd',
        serial_state: 'issued',
        signer: 'signer-2',
        claimed_at: '2026-11-21T10:00:11.000Z',
        lease_until: time,
        profile_revision: 2,
        epoch: '7',
      },
    ],
    events: [
      { at: '2026-11-21T10:00:10.500Z', kind: 'swept', attempt: 1, actor: 'signer-2', detail: { code: 'lease-lost' } },
      { at: '2026-11-21T10:00:11.020Z', kind: 'issued', attempt: 2, actor: 'signer-2', detail: {} },
    ],
  };
  it('is a timeline in order', async () => {
    answers[`GET /admin/v1/requests/${why.request_id}`] = [[200, why]];
    expect(await sluice('why', why.request_id)).toBe(0);
    const lines = (out[0] ?? '').split('\n');
    const steps = lines.filter((line) => /^10:00:/.test(line));
    expect(steps.map((line) => line.split(/\s{2,}/)[2])).toEqual(['accepted', 'claimed', 'swept', 'claimed', 'issued']);
    expect(steps[1]).toContain('+3 ms');
    expect(steps[1]).toContain('serial 20ab');
    expect(steps[2]).toContain('code lease-lost');
    expect(lines.find((line) => line.startsWith('20ab'))).toContain('burned');
  });
  it('is exit code 3 for an unknown one, with the registry’s advice and request id', async () => {
    answers['GET /admin/v1/requests/x'] = [problem(404, 'not-found')];
    expect(await sluice('why', 'x')).toBe(3);
    expect(err.join('\n')).toMatch(/What happened.*not-found[\s\S]*Do this\.[\s\S]*req-12345/);
  });
});

describe('sluice ca', () => {
  const profile = join(dir, 'root.yaml');
  writeFileSync(profile, 'name: root\n');
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
    answers['POST /admin/v1/cas'] = [[201, created]];
    expect(await sluice(...create, '--self-profile', profile)).toBe(0);
    expect(calls[0]?.body).toEqual({
      name: 'root',
      key_group: 'default',
      key_algorithm: 'ec-p256',
      subject_dn: { common_name: 'A=B', organizational_unit: ['x', 'y'] },
      issuer: null,
      self_profile: 'name: root\n',
      dry_run: false,
    });
    answers['POST /admin/v1/cas'] = [[200, { ...created, dry_run: true }]];
    expect(await sluice(...create, '--issuer', 'root', '--profile', 'p', '--dry-run', '--wait')).toBe(0);
    expect(calls[1]?.body).toMatchObject({ issuer: 'root', profile: 'p', dry_run: true });
    expect(out[1]).toContain('Nothing was changed');
  });

  it('waits until it is active, telling each step once', async () => {
    answers['POST /admin/v1/cas'] = [[201, created]];
    const made = { ...ca, spki_sha256: 'ab' };
    answers['GET /admin/v1/cas/root'] = [
      [200, ca],
      [200, ca],
      [200, made],
      [200, { ...made, state: 'active' }],
    ];
    expect(await sluice(...create, '--self-profile', profile, '--wait')).toBe(0);
    expect(err).toEqual([
      'root pending: a signer makes its key',
      'root pending: its key is made, root certifies it',
      'root active',
    ]);
  });

  it('stops waiting at Ctrl-C with what goes on without it', async () => {
    answers['POST /admin/v1/cas'] = [[201, created]];
    answers['GET /admin/v1/cas/root'] = [[200, ca]];
    interruptAfter = 2;
    expect(await sluice(...create, '--self-profile', profile, '--wait')).toBe(4);
    expect(err.join('\n')).toContain('goes on without you');
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
    ['a file that is not there', [...create, '--self-profile', join(dir, 'absent.yaml')]],
    ['no reason', ['ca', 'disable', 'root']],
    ['an unknown command', ['ca', 'destroy', 'root']],
  ])('is exit code 2 for %s, and asks nothing of the registry', async (_, args) => {
    expect(await sluice(...args)).toBe(2);
    expect(calls).toEqual([]);
    expect(err.join('')).not.toBe('');
  });

  describe('disable', () => {
    const path = 'POST /admin/v1/cas/root/disable';
    const disabled = { dry_run: false, epoch: '9', name: 'root', state: 'disabled' };
    const trial = { ...disabled, dry_run: true, state: 'active' };
    const disable = ['ca', 'disable', 'root', '--reason', 'drill'];
    beforeEach(() => {
      answers['GET /admin/v1/cas/root'] = [[200, { ...ca, state: 'active' }]];
      answers[path] = [
        [200, trial],
        [201, disabled],
      ];
    });
    const changes = (): unknown[] => calls.filter(({ call }) => call === path).map(({ body }) => body);

    it('asks for the name of the CA', async () => {
      interactive = true;
      typed = 'root';
      expect(await sluice(...disable)).toBe(0);
      expect(changes()).toEqual([
        { reason: 'drill', dry_run: true },
        { reason: 'drill', dry_run: false },
      ]);
    });

    it('changes nothing for another name, or without a person and --yes', async () => {
      interactive = true;
      typed = 'y';
      expect(await sluice(...disable)).toBe(4);
      interactive = false;
      expect(await sluice(...disable)).toBe(2);
      expect(changes()).not.toContainEqual({ reason: 'drill', dry_run: false });
    });

    it('does not ask with --yes', async () => {
      answers[path] = [[201, disabled]];
      expect(await sluice(...disable, '--yes')).toBe(0);
      expect(changes()).toEqual([{ reason: 'drill', dry_run: false }]);
    });

    it('does not ask for what would be refused', async () => {
      interactive = true;
      answers[path] = [problem(409, 'conflict')];
      expect(await sluice(...disable)).toBe(4);
      expect(changes()).toHaveLength(1);
    });
  });
});

describe('sluice profile and account', () => {
  it('applies documents in order, from standard input too, and stops at the first refusal', async () => {
    const answer = { dry_run: false, epoch: '3', name: 'tls', ca: 'demo', revision: 4, unchanged: true };
    answers['POST /admin/v1/profiles'] = [
      [201, answer],
      problem(422, 'profile-invalid', {
        findings: [
          { pointer: '/document', detail: 'one' },
          { pointer: '/document', detail: 'two' },
        ],
      }),
    ];
    const file = join(dir, 'tls.yaml');
    writeFileSync(file, 'name: tls\n');
    input = 'name: other\n';
    expect(await sluice('profile', 'apply', file, '-', file)).toBe(4);
    expect(calls.map(({ body }) => body)).toEqual([
      { document: 'name: tls\n', dry_run: false },
      { document: 'name: other\n', dry_run: false },
    ]);
    expect(out).toEqual(['tls (demo) unchanged, revision 4']);
    expect(err.join('\n')).toMatch(/\/document: one[\s\S]*\/document: two/);
  });

  it('shows a new key once, whole', async () => {
    const answer = { dry_run: false, epoch: '3', name: 'acme', profiles: ['tls'], api_key: 'slk_abc' };
    answers['POST /admin/v1/accounts'] = [[201, answer]];
    expect(await sluice('account', 'create', 'acme', '--profile', 'tls', '--profile', 'doc')).toBe(0);
    expect(calls[0]?.body).toEqual({ name: 'acme', profiles: ['tls', 'doc'], dry_run: false });
    expect(out[0]).toContain('slk_abc');
  });

  it.each([
    ['ca', 'cas'],
    ['profile', 'profiles'],
    ['account', 'accounts'],
  ])('says what to do when there is no %s', async (noun, plural) => {
    answers[`GET /admin/v1/${plural}`] = [[200, { epoch: '1', [plural]: [] }]];
    expect(await sluice(noun, 'ls')).toBe(0);
    expect(out[0]).toContain('--help');
  });
});

describe('when it fails', () => {
  it('says in JSON what it says to people', async () => {
    answers['GET /admin/v1/cas/x'] = [problem(404, 'not-found')];
    expect(await sluice('ca', 'show', 'x', '--json')).toBe(3);
    expect(JSON.parse(err.join(''))).toMatchObject({
      error: { code: 'not-found', detail: 'What happened', what_to_do: 'Do this.', request_id: 'req-12345' },
    });
  });

  it('is exit code 5 when nobody answers, and honest about a change', async () => {
    hangsUp = true;
    expect(await sluice('status')).toBe(5);
    expect(await sluice('account', 'create', 'a', '--profile', 'p')).toBe(5);
    expect(err[1]).toContain('did not say whether the change was made');
    const { port } = server.address() as AddressInfo;
    await closeServer();
    const nobody = ['--registry', `http://127.0.0.1:${port}`, '--operator', 'alice', '--key', keyFile];
    expect(await run([...nobody, 'account', 'create', 'a', '--profile', 'p'], { terminal })).toBe(5);
    expect(err[2]).toContain('does not answer');
  });

  it.each([
    [401, 'unauthorized', 5],
    [503, 'unavailable', 5],
    [409, 'conflict', 4],
    [422, 'profile-invalid', 4],
    [400, 'body-invalid', 2],
    [500, 'internal', 1],
    [409, 'a-code-of-tomorrow', 1],
  ])('maps %i %s to exit code %i', async (httpStatus, code, exitCode) => {
    answers['GET /admin/v1/cas'] = [problem(httpStatus, code)];
    expect(await sluice('ca', 'ls')).toBe(exitCode);
  });

  it('does not trust an answer that is none of a registry', async () => {
    answers['GET /admin/v1/cas'] = [[200, { hello: 'world' }]];
    expect(await sluice('ca', 'ls')).toBe(1);
    expect(err.join('')).toContain('same version');
  });
});

describe('configuration', () => {
  const projectPath = join(dir, 'sluice.json');
  writeFileSync(
    projectPath,
    JSON.stringify({ registry_url: 'http://127.0.0.1:4300', operator: 'bob', key_file: 'alice.pem' }),
  );

  it('goes by option, environment, project file', () => {
    const fromFile = readConfig({}, {}, projectPath);
    expect([fromFile.registryUrl, fromFile.operator]).toEqual(['http://127.0.0.1:4300', 'bob']);
    const env = { SLUICE_OPERATOR: 'carol', SLUICE_REGISTRY_URL: 'https://registry.example/' };
    expect(readConfig({}, env, projectPath)).toMatchObject({
      operator: 'carol',
      registryUrl: 'https://registry.example',
    });
    expect(readConfig({ operator: 'dave' }, env, projectPath).operator).toBe('dave');
  });

  it.each<[string, Parameters<typeof readConfig>[0], string]>([
    ['a key that others may read', { key: join(dir, 'open.pem') }, 'chmod 600'],
    ['a key that is none', { key: join(dir, 'nonsense.pem') }, 'no private key'],
    ['a key that is not there', { key: join(dir, 'absent.pem') }, 'absent.pem'],
    ['an address that is none', { registry: 'localhost:4300' }, 'not an address'],
  ])('refuses %s', (_, options, text) => {
    writeFileSync(join(dir, 'open.pem'), 'x');
    chmodSync(join(dir, 'open.pem'), 0o644);
    writeFileSync(join(dir, 'nonsense.pem'), 'x', { mode: 0o600 });
    expect(() => readConfig(options, {}, projectPath)).toThrow(text);
  });
});

it('has an example in the help of every command', async () => {
  const commands = [
    'status',
    'why',
    'ca create',
    'ca ls',
    'ca show',
    'ca disable',
    'profile apply',
    'profile ls',
    'profile show',
    'account create',
    'account ls',
    'account show',
  ];
  for (const command of commands) {
    out = [];
    expect(await sluice(...command.split(' '), '--help')).toBe(0);
    expect(out.join('\n')).toContain(`$ sluice ${command}`);
  }
  out = [];
  expect(await sluice('--help')).toBe(0);
  expect(out.join('\n')).toContain('Exit codes:');
});
