import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CommandRig, problem, startCommandRig } from './testing/command-rig.js';

let rig: CommandRig;
beforeEach(async () => {
  rig = await startCommandRig();
});
afterEach(() => rig.end());

describe('when it fails', () => {
  it('says in JSON what it says to people', async () => {
    rig.answers['GET /admin/v1/cas/x'] = [problem(404, 'not-found')];
    expect(await rig.sluice('ca', 'show', 'x', '--json')).toBe(3);
    expect(JSON.parse(rig.err.join(''))).toMatchObject({
      error: { code: 'not-found', detail: 'What happened', what_to_do: 'Do this.', request_id: 'req-12345' },
    });
  });

  it('is exit code 5 when nobody answers, and 8 when a change may have been made', async () => {
    rig.hangsUp = true;
    expect(await rig.sluice('status')).toBe(5);
    expect(await rig.sluice('account', 'create', 'a', '--profile', 'p')).toBe(8);
    expect(rig.err[1]).toContain('did not say whether the change was made');
    await rig.closeRegistry();
    expect(await rig.sluice('account', 'create', 'a', '--profile', 'p')).toBe(5);
    expect(rig.err[2]).toContain('does not answer');
  });

  it.each([
    [401, 'unauthorized', 5],
    [503, 'unavailable', 5],
    [503, 'outcome-unknown', 8],
    [409, 'conflict', 4],
    [422, 'profile-invalid', 4],
    [400, 'body-invalid', 2],
    [500, 'internal', 1],
    [409, 'a-code-of-tomorrow', 1],
  ])('maps %i %s to exit code %i', async (httpStatus, code, exitCode) => {
    rig.answers['GET /admin/v1/cas'] = [problem(httpStatus, code)];
    expect(await rig.sluice('ca', 'ls')).toBe(exitCode);
  });

  it('does not trust an answer that is none of a registry', async () => {
    rig.answers['GET /admin/v1/cas'] = [[200, { hello: 'world' }]];
    expect(await rig.sluice('ca', 'ls')).toBe(1);
    expect(rig.err.join('')).toContain('same version');
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
    'ca enable',
    'ca retire',
    'ca lift-quarantine',
    'subscribers',
    'subscribers forget',
    'registry restored',
    'profile apply',
    'profile ls',
    'profile show',
    'profile diff',
    'profile disable',
    'profile enable',
    'lint',
    'account create',
    'account ls',
    'account show',
    'account disable',
    'account enable',
    'account key add',
    'account key revoke',
  ];
  for (const command of commands) {
    rig.out.length = 0;
    expect(await rig.sluice(...command.split(' '), '--help')).toBe(0);
    expect(rig.out.join('\n')).toContain(`$ sluice ${command}`);
  }
  rig.out.length = 0;
  expect(await rig.sluice('--help')).toBe(0);
  expect(rig.out.join('\n')).toContain('Exit codes:');
});
