import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CommandRig, startCommandRig } from '../testing/command-rig.js';

let rig: CommandRig;
beforeEach(async () => {
  rig = await startCommandRig();
});
afterEach(() => rig.end());

const finding = (invariant: string, checked: number, rows: readonly string[] = [], found = rows.length) => ({
  invariant,
  says: `${invariant} holds`,
  checked,
  found,
  rows,
});
const start = {
  registry: 'registry-1',
  at: '2026-11-21T10:00:00.000Z',
  recent_from: 'recent',
  oldest_request: 'oldest',
  requests_estimated: 30,
  findings: [finding('lease', 3)],
};
const ranges = (from: string, ...found: object[]) => {
  rig.answers['GET /admin/v1/audit'] = [[200, start]];
  for (const [index, range] of found.entries()) {
    const id = index === 0 ? from : `${from}-${index}`;
    const next = index === found.length - 1 ? null : `${from}-${index + 1}`;
    rig.answers[`GET /admin/v1/audit/${id}`] = [[200, { next, findings: [range] }]];
  }
};

describe('sluice audit live', () => {
  it('adds up the ranges and ends well when every invariant holds', async () => {
    ranges('recent', finding('accounted', 10), finding('accounted', 5));
    expect(await rig.sluice('audit', 'live', '--json')).toBe(0);
    expect(JSON.parse(rig.out.join('\n'))).toMatchObject({
      full: false,
      complete: true,
      requests: 15,
      violations: 0,
      invariants: [finding('lease', 3), finding('accounted', 15)],
    });
  });

  it('begins with the oldest request when it looks at all, and says how far it is', async () => {
    rig.interactive = true;
    ranges('oldest', finding('accounted', 10), finding('accounted', 20));
    expect(await rig.sluice('audit', 'live', '--full')).toBe(0);
    expect(stripVTControlCharacters(rig.out.join('\n'))).toMatch(/✓ +accounted +30 +0 +accounted holds/);
  });

  it('names the rows of what is broken, twenty of them, and fails', async () => {
    const rows = Array.from({ length: 15 }, (_, index) => `request ${index}`);
    ranges('recent', finding('accounted', 100, rows, 30), finding('accounted', 100, rows));
    expect(await rig.sluice('audit', 'live')).toBe(1);
    const screen = rig.out.join('\n');
    expect(screen).toMatch(/✗ +accounted +200 +45/);
    expect(screen).toContain('✗ accounted\n  request 0\n');
    expect(screen).toContain('and 25 more');
    expect(screen).toContain('45 rows break an invariant');
  });

  it('shows what it found when it is ended early, and does not call that success', async () => {
    ranges('recent', finding('accounted', 10), finding('accounted', 5));
    rig.interruptAtPause = 1;
    expect(await rig.sluice('audit', 'live')).toBe(1);
    expect(rig.out.join('\n')).toContain('It was ended early');
  });
});
