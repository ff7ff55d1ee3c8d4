import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { ChangeView, SubscriberView } from '@sluice/registry-protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CommandRig, problem, startCommandRig } from '../testing/command-rig.js';

let rig: CommandRig;
beforeEach(async () => {
  rig = await startCommandRig();
});
afterEach(() => rig.end());

const time = '2026-11-21T10:00:00.000Z';
const after = (ms: number): string => new Date(Date.parse(time) + ms).toISOString();
const ca = {
  name: 'root',
  key_group: 'default',
  state: 'active',
  quarantined: false,
  quarantined_tokens: [],
  key_algorithm: 'ec-p256',
  subject_dn: { common_name: 'Root' },
  issuer: 'root',
  certificate_profile: 'root',
  spki_sha256: null,
  certificate_pem: null,
  serial: null,
  not_before: null,
  not_after: null,
  epoch: '2',
  created_at: time,
  work: { queued: 3, signing: 1, held: 2, parked: 12, failed: 0 },
};
const made = { dry_run: false, epoch: '9', name: 'root', state: 'disabled', done: true, proposal: null };
const trial = { ...made, dry_run: true, state: 'active' };
const proposal = {
  verb: 'ca enable',
  subject: 'root',
  reason: "it's over",
  proposed_by: 'alice',
  expires_at: after(3.6e6),
};

const path = 'POST /admin/v1/cas/root/disable';
const disable = ['ca', 'disable', 'root', '--reason', 'drill'];
const bodies = (call: string): unknown[] => rig.calls.filter((made) => made.call === call).map(({ body }) => body);

describe('a change of state', () => {
  beforeEach(() => {
    rig.answers['GET /admin/v1/cas/root'] = [[200, ca]];
    rig.answers[path] = [
      [200, trial],
      [201, made],
    ];
  });

  it('asks for the name of the CA', async () => {
    rig.interactive = true;
    rig.typed = 'root';
    expect(await rig.sluice(...disable)).toBe(0);
    expect(bodies(path)).toEqual([
      { reason: 'drill', dry_run: true },
      { reason: 'drill', dry_run: false },
    ]);
    expect(rig.err.join('\n')).toContain('Enabling it again takes two operators');
    expect(rig.out).toEqual(['CA root is disabled since epoch 9.']);
  });

  it('changes nothing for another name, or without a person and --yes', async () => {
    rig.interactive = true;
    rig.typed = 'y';
    expect(await rig.sluice(...disable)).toBe(4);
    rig.interactive = false;
    expect(await rig.sluice(...disable)).toBe(2);
    expect(bodies(path)).not.toContainEqual({ reason: 'drill', dry_run: false });
  });

  it('does not ask with --yes, nor for what is only tried', async () => {
    rig.answers[path] = [[201, made]];
    expect(await rig.sluice(...disable, '--yes')).toBe(0);
    rig.answers[path] = [[200, trial]];
    expect(await rig.sluice(...disable, '--dry-run', '--wait')).toBe(0);
    expect(bodies(path)).toEqual([
      { reason: 'drill', dry_run: false },
      { reason: 'drill', dry_run: true },
    ]);
    expect(rig.out[1]).toBe('Would disable CA root. Nothing was changed.');
  });

  it('does not ask for what would be refused', async () => {
    rig.interactive = true;
    rig.answers[path] = [problem(409, 'conflict')];
    expect(await rig.sluice(...disable)).toBe(4);
    expect(bodies(path)).toHaveLength(1);
  });

  it.each([
    ['ca', 'retire', 'cas', 'CA root is disabled'],
    ['profile', 'disable', 'profiles', 'profile root is disabled'],
    ['profile', 'enable', 'profiles', 'profile root is disabled'],
    ['account', 'disable', 'accounts', 'account root is disabled'],
    ['account', 'enable', 'accounts', 'account root is disabled'],
  ])('is the same for %s %s', async (noun, verb, plural, said) => {
    const call = `POST /admin/v1/${plural}/root/${verb}`;
    rig.answers[call] = [[201, made]];
    const yes = verb === 'enable' ? [] : ['--yes'];
    expect(await rig.sluice(noun, verb, 'root', '--reason', 'r', ...yes)).toBe(0);
    expect(bodies(call)).toEqual([{ reason: 'r', dry_run: false }]);
    expect(rig.out).toEqual([`${said} since epoch 9.`]);
    expect(await rig.sluice(noun, verb, 'root')).toBe(2);
  });
});

describe('an act that takes two operators', () => {
  const enable = ['ca', 'enable', 'root', '--reason', "it's over"];
  const call = 'POST /admin/v1/cas/root/enable';
  const waiting = { ...made, done: false, proposal };

  it('says what the second one has to give, and ends with a code of its own', async () => {
    rig.answers[call] = [[201, waiting]];
    expect(await rig.sluice(...enable, '--yes', '--wait')).toBe(7);
    expect(rig.out.join()).toContain(`until 2026-11-21 11:00:00Z`);
    expect(rig.out.join()).toContain(`  sluice ca enable root --reason 'it'\\''s over'`);
    expect(await rig.sluice(...enable, '--yes', '--json')).toBe(7);
    expect(JSON.parse(rig.out.at(-1) ?? '')).toEqual(waiting);
    expect(bodies('GET /admin/v1/changes/9')).toEqual([]);
  });

  it('tells the second one whose act it is before it is done, and after', async () => {
    rig.interactive = true;
    rig.typed = 'root';
    rig.answers['GET /admin/v1/cas/root'] = [[200, ca]];
    const done = { ...made, state: 'active', proposal };
    rig.answers[call] = [
      [200, { ...done, dry_run: true }],
      [201, done],
    ];
    expect(await rig.sluice(...enable)).toBe(0);
    expect(rig.err.join('\n')).toContain("It is done at once, as alice proposed: it's over");
    expect(rig.out).toEqual(["CA root is active since epoch 9, as alice proposed: it's over."]);
  });

  it('is only said in a dry run', async () => {
    rig.answers[call] = [[200, { ...waiting, dry_run: true }]];
    expect(await rig.sluice(...enable, '--dry-run')).toBe(0);
    expect(rig.out.join()).toBe('Would propose to enable CA root: it takes two operators. Nothing was changed.');
  });
});

describe('--wait', () => {
  const subscriber = (name: string, more: Partial<SubscriberView>): SubscriberView => ({
    name,
    service: 'signer',
    incarnation: '3',
    standing: 'pending',
    silent: false,
    acknowledged_epoch: '8',
    acknowledged_at: time,
    applied_epoch: '8',
    heard_at: time,
    renewed_at: time,
    lease_until: after(30_000),
    refusal: null,
    ...more,
  });
  const applied = (name: string, ms: number, epoch = '9'): SubscriberView =>
    subscriber(name, { standing: 'applied', acknowledged_epoch: epoch, acknowledged_at: after(ms) });
  const change = (subscribers: SubscriberView[], settled = false): ChangeView => ({
    at: after(20_000),
    epoch: '9',
    kind: 'ca-disable',
    subject: 'root',
    operator: 'alice',
    changed_at: time,
    last_claim_at: after(-4000),
    settled,
    subscribers,
  });
  const look = 'GET /admin/v1/changes/9';
  const wait = [...disable, '--yes', '--wait'];
  beforeEach(() => {
    rig.answers[path] = [[201, made]];
  });

  it('returns when all have applied it or are fenced, telling who is missing meanwhile, once, and the times', async () => {
    const pending = [200, change([applied('s1', 300), subscriber('s2', { standing: 'silent' })])] as const;
    const fenced = subscriber('s2', { standing: 'fenced' });
    // s1 goes on to another version meanwhile: when it applied this one was seen before.
    rig.answers[look] = [pending, pending, [200, change([applied('s1', 9000, '10'), fenced], true)]];
    expect(await rig.sluice(...wait)).toBe(0);
    expect(rig.err).toEqual(['Epoch 9: applied by 1 of 2; missing: s2 (signer, silent)']);
    expect(rig.out[0]).toBe('CA root is disabled since epoch 9.');
    expect(rig.out[1]).toMatch(/^Epoch 9: applied by 1 of 2, 1 fenced\.\n/);
    expect(rig.out[1]).toMatch(/last claim +(4|3) s before the command\n/);
    // 300 ms after the change, and counted from before the call that made it, however long that took.
    expect(rig.out[1]).toMatch(/last acknowledgement +([3-9]\d\d ms|[1-9][\d.]* s) after the command$/);
  });

  it('draws at a terminal, in place, and takes the picture away at the end', async () => {
    rig.interactive = true;
    const missing = Array.from({ length: 15 }, (_, index) => subscriber(`s${index}`, {}));
    rig.answers[look] = [
      [200, change(missing)],
      [200, change([applied('s1', 300)], true)],
    ];
    expect(await rig.sluice(...wait)).toBe(0);
    expect(rig.drawn).toHaveLength(2);
    expect(stripVTControlCharacters(rig.drawn[0] ?? '')).toMatch(/s11 +signer +pending +8 +20 s ago\n… and 3 more$/);
    expect(rig.drawn[1]).toBe('');
    expect(rig.err).toEqual([]);
  });

  it('ends with a code of its own when time is over, naming who is missing and what to do', async () => {
    const refusal = { epoch: '9', code: 'profile-invalid', reason: 'no template' };
    const front = subscriber('f1', { service: 'identity-api', standing: 'refused', refusal });
    const deaf = subscriber('s3', { standing: 'silent', renewed_at: after(18_000) });
    const left = [subscriber('s2', { standing: 'silent' }), deaf, front];
    rig.answers[look] = [[200, change([applied('s1', 300), ...left])]];
    rig.interruptAtPause = 1;
    expect(await rig.sluice(...wait)).toBe(6);
    expect(rig.out[1]).toContain('Still missing:');
    expect(rig.out[1]).toMatch(/s2 \(signer\) silent, last heard 20 s ago.*runbooks\/subscriber-silent\.md/);
    expect(rig.out[1]).toMatch(/s2 .*fenced when its lease is out/);
    expect(rig.out[1]).toMatch(/s3 .*it renews its lease, and is cut off from the registry/);
    expect(rig.out[1]).toContain('f1 (identity-api) refused (profile-invalid: no template)');
    expect(rig.out[1]).not.toContain('s1');
    rig.interruptAtPause = Number.POSITIVE_INFINITY;
    expect(await rig.sluice(...wait, '--timeout', '0.001', '--json')).toBe(6);
    const answer = JSON.parse(rig.out.at(-1) ?? '');
    expect(answer).toMatchObject({ epoch: '9', wait: { settled: false, last_acknowledgement_ms: expect.any(Number) } });
    expect(answer.wait.subscribers).toHaveLength(4);
  });

  it('waits for a registry that is away, and never says that the change was not made', async () => {
    rig.answers[look] = [problem(503, 'unavailable'), [200, change([applied('s1', 300)], true)]];
    expect(await rig.sluice(...wait)).toBe(0);
    expect(rig.err.join()).toContain('What happened');
    rig.answers[look] = [problem(503, 'unavailable')];
    expect(await rig.sluice(...wait, '--timeout', '0.001')).toBe(6);
    expect(rig.out.at(-2)).toContain('is disabled since epoch 9');
    expect(rig.out.at(-1)).toContain('not known who has applied it');
  });

  it.each(['0', '-1', 'soon'])('refuses the timeout %s', async (timeout) => {
    expect(await rig.sluice(...wait, '--timeout', timeout)).toBe(2);
    expect(rig.calls).toEqual([]);
  });

  it('is there for a quarantine that is lifted, on one token or all', async () => {
    const call = 'POST /admin/v1/cas/root/lift-quarantine';
    const lifted = {
      dry_run: false,
      epoch: '9',
      name: 'root',
      quarantined: false,
      quarantined_tokens: ['hsm-b'],
      parked: 2,
    };
    rig.answers[call] = [[201, lifted]];
    rig.answers[look] = [[200, { ...change([applied('s1', 300)], true), last_claim_at: null }]];
    const lift = ['ca', 'lift-quarantine', 'root', '--reason', 'r'];
    expect(await rig.sluice(...lift, '--token', 'hsm-a', '--wait')).toBe(0);
    expect(bodies(call)).toEqual([{ reason: 'r', token: 'hsm-a', dry_run: false }]);
    const [lifting, parked] = rig.out[0]?.split('\n') ?? [];
    expect(lifting).toBe('The quarantine of root on token hsm-a is lifted since epoch 9; still on hsm-b.');
    expect(parked).toMatch(/^2 of its requests .* stay parked/);
    expect(rig.out[1]).not.toContain('last claim');
  });
});

describe('API keys of an account', () => {
  // printf slk_leaked | sha256sum
  const hash = '137c37790a432e2fa75e6854f7a0f466e486224ccbe381c049f85158ab7f2495';
  const revoke = 'POST /admin/v1/accounts/acme/keys/revoke';
  const revoked = { dry_run: false, epoch: '9', name: 'acme', api_key_hash: hash, api_keys_left: 1 };

  it('are made and shown once', async () => {
    const answer = { dry_run: false, epoch: '9', name: 'acme', api_key: 'slk_abc', api_key_hash: hash };
    rig.answers['POST /admin/v1/accounts/acme/keys'] = [[201, answer]];
    expect(await rig.sluice('account', 'key', 'add', 'acme')).toBe(0);
    expect(rig.out[0]).toContain('slk_abc');
  });

  it('are revoked by hash or by themselves, after a question', async () => {
    rig.answers[revoke] = [[201, revoked]];
    const file = join(rig.dir, 'leaked.txt');
    writeFileSync(file, 'slk_leaked\n');
    const args = ['account', 'key', 'revoke', 'acme', '--reason', 'leaked'];
    expect(await rig.sluice(...args, '--sha256', hash.toUpperCase(), '--yes')).toBe(0);
    expect(await rig.sluice(...args, '--key-file', file, '--yes')).toBe(0);
    rig.interactive = true;
    rig.typed = 'another';
    expect(await rig.sluice(...args, '--sha256', hash)).toBe(4);
    expect(bodies(revoke)).toEqual([
      { api_key_hash: hash, reason: 'leaked', dry_run: false },
      { api_key_hash: hash, reason: 'leaked', dry_run: false },
      { api_key_hash: hash, reason: 'leaked', dry_run: true },
    ]);
    expect(rig.err.join('\n')).toContain('1 of its keys stay');
  });

  it.each([[[]], [['--sha256', 'ab']], [['--sha256', hash, '--key-file', '-']]])(
    'are named in one way: %j',
    async (args) => {
      expect(await rig.sluice('account', 'key', 'revoke', 'acme', '--reason', 'r', '--yes', ...args)).toBe(2);
      expect(rig.calls).toEqual([]);
    },
  );
});

describe('sluice account limits', () => {
  const path = 'POST /admin/v1/accounts/acme/limits';
  const limits = ['account', 'limits', 'acme', '--reason', 'r'];
  const answer = { dry_run: false, epoch: '9', name: 'acme', limits: { burst: 20 } };

  it('names what is set and what goes back to the default, and shows what is in force', async () => {
    rig.answers[path] = [[201, answer]];
    expect(await rig.sluice(...limits, '--burst', '20', '--rate', 'default', '--per-day', 'default')).toBe(0);
    const changes = { rate_per_second: null, burst: 20, orders_per_day: null };
    expect(bodies(path)).toEqual([{ limits: changes, reason: 'r', dry_run: false }]);
    expect(rig.out[0]).toMatch(/epoch 9: orders a second: \d+ \(default\), orders at once: 20, /);
  });

  it.each([[[]], [['--burst', '0']], [['--rate', '1.5']], [['--joins', 'many']], [['--per-day', '9999999999']]])(
    'asks nobody when given %j',
    async (args) => {
      expect(await rig.sluice(...limits, ...args)).toBe(2);
      expect(rig.calls).toEqual([]);
    },
  );

  it('can be given with a new account', async () => {
    const made = { dry_run: false, epoch: '3', name: 'acme', profiles: ['tls'], api_key: 'slk_abc' };
    rig.answers['POST /admin/v1/accounts'] = [[201, made]];
    expect(await rig.sluice('account', 'create', 'acme', '--profile', 'tls', '--joins', '7')).toBe(0);
    expect(rig.calls[0]?.body).toMatchObject({ limits: { joins_per_second: 7 } });
  });
});

describe('sluice subscribers', () => {
  const subscribers = [
    {
      name: 'signer-1',
      service: 'signer',
      incarnation: '3',
      standing: 'refused',
      silent: false,
      acknowledged_epoch: '4',
      acknowledged_at: time,
      applied_epoch: '4',
      heard_at: time,
      renewed_at: time,
      lease_until: time,
      refusal: { epoch: '7', code: 'internal', reason: 'self-test failed' },
    },
    {
      name: 'signer-2',
      service: 'signer',
      incarnation: '1',
      standing: 'pending',
      silent: false,
      acknowledged_epoch: '0',
      acknowledged_at: null,
      applied_epoch: '6',
      heard_at: time,
      renewed_at: time,
      lease_until: time,
      refusal: null,
    },
  ];
  const list = { at: after(4000), epoch: '7', confirmed_epoch: '4', subscribers };

  it('shows name, service, incarnation, standing, epoch, lag, when last heard, and why one refused', async () => {
    rig.answers['GET /admin/v1/subscribers'] = [[200, list]];
    expect(await rig.sluice('subscribers')).toBe(0);
    expect(rig.out[0]).toMatch(/signer-1 +signer +3 +refused +4 +3 +4 s ago/);
    expect(rig.out[0]).toMatch(/signer-2 +signer +1 +pending +0 +1 +4 s ago/); // of what it says it applied
    expect(rig.out[0]).toContain('signer-1 refused epoch 7: self-test failed (internal)');
    expect(await rig.sluice('subscribers', '--json')).toBe(0);
    expect(JSON.parse(rig.out[1] ?? '')).toEqual(list);
  });

  it('takes another epoch, and refuses one that is none', async () => {
    const change = { kind: 'ca-disable', subject: 'root', operator: 'a', changed_at: time, last_claim_at: null };
    rig.answers['GET /admin/v1/changes/6'] = [[200, { ...list, ...change, epoch: '6', settled: false }]];
    expect(await rig.sluice('subscribers', '--epoch', '6')).toBe(0);
    expect(rig.out[0]).toContain('Standing for epoch 6');
    expect(await rig.sluice('subscribers', '--epoch', 'x')).toBe(2);
  });

  it('lets a restored registry count for those who are ahead of it, by two, after the epoch was typed', async () => {
    const call = 'POST /admin/v1/registry/restored';
    const trialOf = { dry_run: true, epoch: '95', heard_epoch: '100', done: false, proposal: null };
    const mine = { ...proposal, verb: 'registry restored --past', subject: '120' };
    const restored = ['registry', 'restored', '--past', '120', '--reason', "it's over"];
    rig.answers[call] = [
      [200, trialOf],
      [201, { ...trialOf, dry_run: false, proposal: mine }],
      [201, { ...trialOf, dry_run: false, epoch: '121', done: true, proposal: mine }],
    ];
    rig.interactive = true;
    rig.typed = '12';
    expect(await rig.sluice(...restored)).not.toBe(0);
    expect(rig.err.join('')).toContain('at epoch 95; subscribers told it of 100');
    expect(bodies(call)).toEqual([{ past: '120', reason: "it's over", dry_run: true }]);
    expect(await rig.sluice(...restored, '--yes')).toBe(7);
    expect(rig.out[0]).toContain(`sluice registry restored --past 120 --reason 'it'\\''s over'`);
    expect(await rig.sluice(...restored, '--yes')).toBe(0);
    expect(rig.out[1]).toContain('goes on at epoch 121, as alice proposed');
    expect(await rig.sluice('registry', 'restored', '--past', 'x', '--reason', 'y')).toBe(2);
  });

  it('forgets one that was taken away, by two operators when it must', async () => {
    const call = 'POST /admin/v1/subscribers/signer-3/forget';
    const gone = { ...proposal, verb: 'subscribers forget', subject: 'signer-3' };
    const forget = ['subscribers', 'forget', 'signer-3', '--reason', 'scrapped'];
    rig.answers[call] = [
      [200, { dry_run: true, name: 'signer-3', done: true, proposal: null }],
      [201, { dry_run: false, name: 'signer-3', done: true, proposal: null }],
      [201, { dry_run: false, name: 'signer-3', done: false, proposal: gone }],
    ];
    expect(await rig.sluice(...forget)).toBe(2);
    expect(await rig.sluice(...forget, '--yes')).toBe(0);
    expect(rig.out[0]).toBe('signer-3 is forgotten.');
    expect(await rig.sluice(...forget, '--yes')).toBe(7);
    expect(rig.out[1]).toContain('sluice subscribers forget signer-3 --reason');
  });
});
