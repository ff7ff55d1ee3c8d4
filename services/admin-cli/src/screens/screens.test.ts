import type { Status, Why } from '@sluice/registry-protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CommandRig, problem, startCommandRig } from '../testing/command-rig.js';

let rig: CommandRig;
beforeEach(async () => {
  rig = await startCommandRig();
});
afterEach(() => rig.end());

const time = '2026-11-21T10:00:00.000Z';
const status: Status = {
  registry: 'registry-1',
  at: time,
  epoch: '7',
  cas: [
    {
      name: 'root',
      state: 'active',
      quarantined: false,
      quarantined_tokens: ['hsm-a'],
      key_group: 'default',
      key_algorithm: 'ec-p256',
      issuer: 'root',
      not_after: '2046-11-21T10:00:00.000Z',
    },
  ],
  lanes: [{ lane: 'interactive.default', queued: 12, signing: 3, oldest_age_ms: 9000 }],
  subscribers: [
    {
      name: 'signer-1',
      service: 'signer',
      incarnation: '3',
      standing: 'applied',
      acknowledged_epoch: '7',
      acknowledged_at: time,
      applied_epoch: '7',
      heard_at: '2026-11-21T09:59:56.000Z',
      refusal: null,
      lease_until: '2026-11-21T10:00:25.000Z',
      renewed_at: time,
      report: { ready: false, troubles: { redis: 'away' }, breakers: { redis: 'open' }, clock_skew_ms: 3 },
    },
  ],
  recent_ends: [
    { state: 'issued', code: null, count: 40 },
    { state: 'rejected', code: 'ca-disabled', count: 2 },
  ],
  proposals: [
    {
      verb: 'ca enable',
      subject: 'root',
      reason: 'drill is over',
      proposed_by: 'alice',
      expires_at: '2026-11-21T10:40:00.000Z',
    },
  ],
  next_steps: ['Look at lane interactive.default.'],
};

describe('sluice status', () => {
  it('is one screen', async () => {
    rig.answers['GET /admin/v1/status'] = [[200, status]];
    expect(await rig.sluice('status')).toBe(0);
    const [screen = ''] = rig.out;
    for (const text of [
      'epoch 7',
      'root',
      '2046-11-21',
      'interactive.default',
      '9 s',
      '4 s ago',
      'quarantined on hsm-a',
      'ca enable root: alice',
      'no  ',
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
    rig.answers['GET /admin/v1/status'] = [[200, status]];
    expect(await rig.sluice('status', '--json')).toBe(0);
    expect(JSON.parse(rig.out.join(''))).toEqual(status);
  });

  it('is watched until Ctrl-C, and sees the registry come back', async () => {
    rig.answers['GET /admin/v1/status'] = [[200, status], problem(503, 'unavailable'), [200, status]];
    rig.interruptAtPause = 3;
    expect(await rig.sluice('status', '--watch')).toBe(0);
    expect(rig.out.filter((text) => text === '<clear>')).toHaveLength(2);
    expect(rig.err.join('')).toContain('What happened');
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
    rig.answers[`GET /admin/v1/requests/${why.request_id}`] = [[200, why]];
    expect(await rig.sluice('why', why.request_id)).toBe(0);
    const lines = (rig.out[0] ?? '').split('\n');
    const steps = lines.filter((line) => /^10:00:/.test(line));
    expect(steps.map((line) => line.split(/\s{2,}/)[2])).toEqual(['accepted', 'claimed', 'swept', 'claimed', 'issued']);
    expect(steps[1]).toContain('+3 ms');
    expect(steps[1]).toContain('serial 20ab');
    expect(steps[2]).toContain('code lease-lost');
    expect(lines.find((line) => line.startsWith('20ab'))).toContain('burned');
  });
  it('is exit code 3 for an unknown one, with the registry’s advice and request id', async () => {
    rig.answers['GET /admin/v1/requests/x'] = [problem(404, 'not-found')];
    expect(await rig.sluice('why', 'x')).toBe(3);
    expect(rig.err.join('\n')).toMatch(/What happened.*not-found[\s\S]*Do this\.[\s\S]*req-12345/);
  });
});
