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
  work: [
    {
      ...{
        class: 'interactive',
        key_group: 'default',
        ca: 'demo-tls',
        queued: 12,
        signing: 3,
        held: 1000,
        parked: 2,
        failed: 1,
      },
      ...{
        oldest_age_ms: 9000,
        arrivals_per_second: 8.4,
        drained_per_second: 1200,
        predicted_wait_ms: 240,
        top_account: 'acme',
        top_open: 12,
      },
    },
  ],
  floods: [
    { ca: 'demo-tls', account: 'acme', code: 'ca-disabled', per_minute: 1200.4, from: 'front-ends' },
    { ca: '', account: '', code: 'unauthorized', per_minute: 12, from: 'front-ends' },
    { ca: 'demo-tls', account: 'other', code: 'csr-invalid', per_minute: 3, from: 'ledger' },
  ],
  guards: [{ guard: 'admission', subject: 'front-1', detail: 'refused within the last minute: 30 lane-full' }],
  vacuum: { dead_rows: 0, oldest_transaction_ms: 0, held_by: null },
  subscribers: [
    {
      name: 'signer-1',
      service: 'signer',
      incarnation: '3',
      standing: 'applied',
      silent: true,
      acknowledged_epoch: '7',
      acknowledged_at: time,
      applied_epoch: '7',
      heard_at: '2026-11-21T09:59:56.000Z',
      refusal: null,
      lease_until: '2026-11-21T10:00:25.000Z',
      renewed_at: time,
      report: {
        ready: false,
        troubles: { redis: 'away' },
        breakers: { redis: 'open' },
        clock_skew_ms: 3,
        refused: {},
        refusals: [],
      },
    },
  ],
  ends_since: '2026-11-21T09:50:00.000Z',
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
  next_steps: ['Do as runbooks/queue-flood.md says.'],
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
      'interactive  demo-tls  15    1,000  3       9 s     8.4   1,200  240 ms  acme 80 %',
      'demo-tls  acme     ca-disabled   1,200       front ends',
      '–         –        unauthorized',
      'ledger, after it was accepted',
      'admission front-1: refused within',
      '4 s ago',
      'quarantined on hsm-a',
      'applied (silent)',
      'ca enable root: alice',
      'no  ',
      '7/7',
      '40 issued · 2 rejected ca-disabled in 10 min',
      '→ Do as runbooks/queue-flood.md',
    ]) {
      expect(screen).toContain(text);
    }
    expect(screen.split('\n').length).toBeLessThanOrEqual(24);
    expect(Math.max(...screen.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it('takes a line for each thing that is well', async () => {
    const [ca] = status.cas;
    const [subscriber] = status.subscribers;
    const well: Status = {
      ...status,
      cas: Array.from({ length: 12 }, (_, i) => ({
        ...(ca as NonNullable<typeof ca>),
        name: `ca-${i}`,
        quarantined_tokens: [],
      })),
      subscribers: [{ ...(subscriber as NonNullable<typeof subscriber>), silent: false, report: null }],
      work: status.work.map((row) => ({ ...row, held: 0, parked: 0, failed: 0, drained_per_second: 8.4 })),
      floods: [],
      guards: [],
      proposals: [],
      recent_ends: [],
      next_steps: [],
    };
    rig.answers['GET /admin/v1/status'] = [[200, well]];
    expect(await rig.sluice('status')).toBe(0);
    const lines = (rig.out[0] ?? '').split('\n');
    expect(lines.slice(1)).toEqual([
      'CAs           12 active',
      'What ages',
      expect.stringContaining('CLASS'),
      expect.stringContaining('interactive  demo-tls'),
      'What floods   nothing',
      'Guards        none is active',
      'Subscribers   1 of 1 ready and at epoch 7',
      'Ends          none in 10 min',
      'What to do    nothing: all is well',
    ]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('stays one screen when everything is wrong', async () => {
    const many = <R>(row: R | undefined): R[] => Array.from({ length: 40 }, () => row as R);
    const wrong = {
      ...{ ...status, work: many(status.work[0]), guards: many(status.guards[0]), next_steps: many('Do this.') },
      ...{ cas: many(status.cas[0]), subscribers: many(status.subscribers[0]) },
    };
    rig.answers['GET /admin/v1/status'] = [[200, wrong]];
    expect(await rig.sluice('status')).toBe(0);
    expect((rig.out[0] ?? '').split('\n').length).toBeLessThan(70);
    expect(rig.out[0]).toContain('… and 32 more: sluice status --json');
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
