import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CommandRig, problem, startCommandRig } from '../testing/command-rig.js';

const id = '0b0f9a1e-5c1a-4a58-9c7f-6f3a1c2d4e5f';
const at = '2026-11-21T10:00:00.000Z';
const receipt = {
  ...{
    id,
    verb: 'resubmit',
    state: 'running',
    operator: 'alice',
    reason: 'x',
    filter: { ca: 'demo-tls', fraction: 1 / 3 },
  },
  ...{ made_at: at, changed_at: at, holds_until: null, matched: 1000, moved: 0, passed_over: 0, returned: 0 },
  ...{ source: null, rate_per_s: 100, waits_for: null as string | null },
};
const preview = {
  matched: 42,
  waiting: 7,
  oldest: at,
  by: [{ state: 'queued', class: 'async', count: 42, oldest: at }],
  takes_s: 1,
};
const tried = { dry_run: true, preview, receipt: null };
const done = { dry_run: false, preview, receipt: { ...receipt, verb: 'park', state: 'moving', holds_until: at } };

let rig: CommandRig;
beforeEach(async () => {
  rig = await startCommandRig();
});
afterEach(async () => {
  await rig.end();
});

const park = 'POST /admin/v1/queue/park';
const body = (): unknown => rig.calls.at(-1)?.body;

describe('sluice queue park', () => {
  it('sends what was named, in the units of the API', async () => {
    rig.answers[park] = [[201, done]];
    const filter = ['--ca', 'demo-tls', '--fraction', '1/4', '--older-than', '10m', '--key-group', 'default'];
    expect(await rig.sluice('queue', 'park', ...filter, '--for', '2h', '--reason', 'x', '--yes')).toBe(0);
    expect(body()).toEqual({
      filter: { ca: 'demo-tls', key_group: 'default', fraction: 0.25, older_than_s: 600 },
      ...{ for_s: 7200, reason: 'x', arriving: false, all: false, dry_run: false },
    });
    expect(rig.out.join('\n')).toMatch(new RegExp(`${id}(.|\n)*holds until`));
  });

  it('shows what it would be about, and asks for the number: another one changes nothing', async () => {
    rig.interactive = true;
    rig.answers[park] = [[200, tried]];
    rig.typed = '41';
    expect(await rig.sluice('queue', 'park', '--account', 'shop', '--reason', 'x')).toBe(4);
    expect(rig.err.join('\n')).toMatch(/42 requests match(.|\n)*waiting for 7 of them/);
    expect(rig.calls).toHaveLength(1);
    rig.typed = '42';
    rig.answers[park] = [
      [200, tried],
      [201, done],
    ];
    expect(await rig.sluice('queue', 'park', '--account', 'shop', '--reason', 'x')).toBe(0);
    expect(body()).toMatchObject({ dry_run: false });
  });

  it.each([
    [['--fraction', '3/2'], /above 0 and at most 1/],
    [['--fraction', '0'], /above 0 and at most 1/],
    [['--fraction', '1/0'], /above 0 and at most 1/],
    [['--for', 'a while'], /90s, 10m, 1h or 2d/],
    [['--older-than', '0m'], /90s, 10m, 1h or 2d/],
    [['--class', 'slow'], /Allowed choices/],
    [['--state', 'signing'], /ends by itself/],
  ])('%s is wrong usage, and nothing is sent', async (args, text) => {
    expect(await rig.sluice('queue', 'park', ...args, '--reason', 'x', '--yes')).toBe(2);
    expect(rig.err.join('\n')).toMatch(text);
    expect(rig.calls).toEqual([]);
  });
});

it('a lane and a receipt are told apart', async () => {
  rig.answers['POST /admin/v1/queue/pause'] = [[201, done]];
  rig.answers[`POST /admin/v1/receipts/${id}/pause`] = [[201, { ...receipt, state: 'paused' }]];
  expect(await rig.sluice('queue', 'pause', 'background.default', '--reason', 'x', '--yes')).toBe(0);
  expect(body()).toMatchObject({ lane: 'background.default', for_s: 3600 });
  expect(await rig.sluice('queue', 'pause', id, '--reason', 'x')).toBe(0);
  expect(rig.out.at(-1)).toMatch(/is paused/);
});

it.each(['pause', 'resume'])('%s of what is neither is wrong usage, and nothing is sent', async (verb) => {
  expect(await rig.sluice('queue', verb, 'background', '--reason', 'x')).toBe(2);
  expect(rig.err.join('\n')).toMatch(/class and key group like interactive\.default/);
  expect(rig.calls).toEqual([]);
});

it('a pause of a resubmission is not tried: it would be made', async () => {
  expect(await rig.sluice('queue', 'pause', id, '--reason', 'x', '--dry-run')).toBe(2);
  expect(rig.calls).toEqual([]);
});

it('follows a resubmission with an estimate by what was done lately, and none while it stands still', async () => {
  const look = (seconds: number, more: object): [number, unknown] => [
    200,
    { at: new Date(Date.parse(at) + seconds * 1000).toISOString(), receipt: { ...receipt, ...more }, results: [] },
  ];
  rig.answers[`GET /admin/v1/receipts/${id}`] = [
    look(0, {}),
    look(1, { moved: 60, passed_over: 40 }),
    look(3, { moved: 60, passed_over: 40, waits_for: 'interactive work' }),
    look(30, { moved: 60, passed_over: 40 }),
    look(31, { moved: 60, passed_over: 40 }),
    look(60, { state: 'done', moved: 600, passed_over: 400 }),
  ];
  expect(await rig.sluice('queue', 'show', id, '--follow')).toBe(0);
  const [begun, moving, waiting, , still] = rig.err;
  expect(begun).toMatch(/no estimate yet$/);
  expect(moving).toMatch(/100 of 1000, 100\/s lately, about 9 s/);
  expect(waiting).toMatch(/waits for interactive work$/);
  expect(still).toMatch(/no estimate: it has not moved lately/);
  expect(rig.out.join('\n')).toMatch(/state +done(.|\n)*ca demo-tls, 33.3 % of them/);
});

it('does not take what was found all at once for the pace', async () => {
  const look = (seconds: number, more: object, superseded: number): [number, unknown] => [
    200,
    {
      at: new Date(Date.parse(at) + seconds * 1000).toISOString(),
      receipt: { ...receipt, ...more },
      results: [{ result: 'superseded', count: superseded }],
    },
  ];
  rig.answers[`GET /admin/v1/receipts/${id}`] = [
    look(0, {}, 0),
    look(2, { moved: 200, passed_over: 300 }, 300),
    look(7, { state: 'done', moved: 700, passed_over: 300 }, 300),
  ];
  expect(await rig.sluice('queue', 'show', id, '--follow')).toBe(0);
  expect(rig.err.join('\n')).toMatch(/500 of 1000, 100\/s lately, about 5 s/);
});

it('lists page after page the requests that were passed over', async () => {
  const path = `GET /admin/v1/receipts/${id}/results/superseded`;
  rig.answers[path] = [[200, { result: 'superseded', request_ids: ['a', 'b'], next: 'b' }]];
  rig.answers[`${path}/after/b`] = [[200, { result: 'superseded', request_ids: ['c'], next: null }]];
  expect(await rig.sluice('queue', 'show', id, '--list', 'superseded')).toBe(0);
  expect(rig.out).toEqual(['a', 'b', 'c']);
});

it('what the registry refuses is said with what to do', async () => {
  rig.answers[`POST /admin/v1/receipts/${id}/undo`] = [problem(409, 'conflict')];
  expect(await rig.sluice('queue', 'undo', id, '--reason', 'x')).toBe(4);
  expect(rig.err.join('\n')).toMatch(/Do this\./);
});
