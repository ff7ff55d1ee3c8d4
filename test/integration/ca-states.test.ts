import { enrolOperator } from '@sluice/ledger';
import type { ChangeStateAnswer, ChangeView, Status } from '@sluice/registry-protocol';
import { type Answer, makeCsr, type System, startSystem, testProfiles } from '@sluice/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOperator, type Operator, type Said } from './sluice-command.js';

// Goal: what operators do to CAs, profiles, accounts and keys, through the command line as it ships, and what clients
// get then. Method: real processes, two operators with keys of their own; time is not waited for but written into the
// ledger's rows, where that is what a frozen process would leave there.

let system: System;
let alice: Operator;
let bob: Operator;
beforeAll(async () => {
  system = await startSystem({ signers: 2 });
  [alice, bob] = ['alice', 'bob'].map((name) => createOperator(name, system.dir, () => system.registry.url)) as [
    Operator,
    Operator,
  ];
  for (const operator of [alice, bob]) await enrolOperator(system.adminUrl, operator);
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

const why = ['--reason', 'a drill'];
const wait = ['--wait', '--json'];

function issue(options: { profile?: string; apiKey?: string } = {}): Promise<Answer> {
  const { profile = testProfiles.p256, apiKey = system.apiKey } = options;
  const csr = makeCsr('ec-p256', 'client.example').pem;
  return system.client({ apiKey }).post({ profile, csr, subjectDn: { common_name: 'client.example' } });
}

type Waited = ChangeStateAnswer & {
  wait: { settled: boolean; last_acknowledgement_ms: number | null; subscribers: ChangeView['subscribers'] };
};
/** What a command that waited answered; fails when it did not end well. */
function settled(said: Said): Waited {
  expect(said, said.err).toMatchObject({ exitCode: 0 });
  const answer = JSON.parse(said.out) as Waited;
  expect(answer).toMatchObject({ done: true, wait: { settled: true } });
  expect(answer.wait.last_acknowledgement_ms).not.toBeNull();
  return answer;
}
const status = async (): Promise<Status> => JSON.parse((await alice.sluice('status', '--json')).out) as Status;
const stateOf = async (name: string): Promise<string | undefined> =>
  (await status()).cas.find((ca) => ca.name === name)?.state;

describe('a CA', () => {
  it('is disabled by one operator, and refused everywhere when --wait returns', async () => {
    const before = await issue();
    expect(before).toMatchObject({ status: 201 });
    const answer = settled(await alice.sluice('ca', 'disable', 'ca-p256', ...why, '--yes', ...wait));
    const standings = answer.wait.subscribers.map(({ name, standing }) => `${name} ${standing}`);
    expect(standings.sort()).toEqual(['identity-api-1 applied', 'signer-1 applied', 'signer-2 applied']);
    expect(await issue()).toMatchObject({ status: 409, code: 'ca-disabled' });
  });

  it('is enabled by two, the second told what the first wants; nobody is two', async () => {
    const enable = ['ca', 'enable', 'ca-p256', ...why, '--yes'];
    const first = await alice.sluice(...enable);
    expect(first).toMatchObject({ exitCode: 7 });
    expect(first.out).toContain("sluice ca enable ca-p256 --reason 'a drill'");
    const again = await alice.sluice(...enable);
    expect(again).toMatchObject({ exitCode: 4 });
    expect(again.err).toContain('You proposed this yourself');
    const { proposals, next_steps } = await status();
    expect(proposals).toMatchObject([{ verb: 'ca enable', subject: 'ca-p256', proposed_by: 'alice' }]);
    expect(next_steps.join('\n')).toContain('alice waits for a second operator');
    expect(await stateOf('ca-p256')).toBe('disabled');
    expect(await issue()).toMatchObject({ status: 409, code: 'ca-disabled' });
    const second = settled(await bob.sluice(...enable, ...wait));
    expect(second).toMatchObject({ state: 'active', proposal: { proposed_by: 'alice' } });
    expect(await issue()).toMatchObject({ status: 201 });
    expect((await status()).proposals).toEqual([]);
    const [change] = await system.query<{ operator: string; after: { proposed_by: string } }>(
      'select operator, after from registry.change where epoch = $1',
      [second.epoch],
    );
    expect(change).toMatchObject({ operator: 'bob', after: { proposed_by: 'alice' } });
  });

  it('is disabled, enabled and disabled in quick succession: the last change holds, each has its epoch', async () => {
    const change = async (operator: Operator, verb: string): Promise<bigint> => {
      const { exitCode, out, err } = await operator.sluice('ca', verb, 'ca-p256', ...why, '--yes', '--json');
      expect([0, 7], err).toContain(exitCode);
      return BigInt((JSON.parse(out) as ChangeStateAnswer).epoch);
    };
    const first = await change(alice, 'disable');
    await change(alice, 'enable');
    const second = await change(bob, 'enable');
    // Signed under the second: no work of the first change's time.
    await expect.poll(async () => (await issue()).status, { timeout: 10_000 }).toBe(201);
    const third = settled(await alice.sluice('ca', 'disable', 'ca-p256', ...why, '--yes', ...wait));
    expect([first < second, second < BigInt(third.epoch)]).toEqual([true, true]);
    expect(await issue()).toMatchObject({ status: 409, code: 'ca-disabled' });
    // Whoever has applied the third has applied the first.
    const past = await alice.sluice('subscribers', '--epoch', String(first), '--json');
    const view = JSON.parse(past.out) as ChangeView;
    expect(view).toMatchObject({ epoch: String(first), kind: 'ca-disable', settled: true });
    expect(Date.parse(view.last_claim_at ?? '')).toBeLessThan(Date.parse(view.changed_at));
  });

  it('is retired from there, and taken back by two only', async () => {
    settled(await alice.sluice('ca', 'retire', 'ca-p256', ...why, '--yes', ...wait));
    expect(await issue()).toMatchObject({ status: 409, code: 'ca-retiring' });
    expect(await alice.sluice('ca', 'enable', 'ca-p256', ...why, '--yes')).toMatchObject({ exitCode: 4 });
    const takeBack = ['ca', 'disable', 'ca-p256', ...why, '--yes'];
    expect(await bob.sluice(...takeBack)).toMatchObject({ exitCode: 7 });
    expect(await stateOf('ca-p256')).toBe('retiring');
    expect(await alice.sluice(...takeBack)).toMatchObject({ exitCode: 0 });
    expect(await stateOf('ca-p256')).toBe('disabled');
  });
});

describe('a profile, an account and its keys', () => {
  const rsa = { profile: testProfiles.rsa };

  it('are switched off and on', async () => {
    settled(await alice.sluice('profile', 'disable', testProfiles.rsa, ...why, '--yes', ...wait));
    expect(await issue(rsa)).toMatchObject({ status: 409, code: 'profile-disabled' });
    settled(await alice.sluice('profile', 'enable', testProfiles.rsa, ...why, ...wait));
    expect(await issue(rsa)).toMatchObject({ status: 201 });
    settled(await alice.sluice('account', 'disable', 'first-account', ...why, '--yes', ...wait));
    expect(await issue(rsa)).toMatchObject({ status: 409, code: 'account-disabled' });
    settled(await alice.sluice('account', 'enable', 'first-account', ...why, ...wait));
    expect(await issue(rsa)).toMatchObject({ status: 201 });
  });

  it('work and stop working with the push', async () => {
    const added = await alice.sluice('account', 'key', 'add', 'second-account', ...wait);
    const { api_key: apiKey } = JSON.parse(added.out) as { api_key: string };
    expect(await issue({ ...rsa, apiKey })).toMatchObject({ status: 201 });
    const { out } = await alice.sluice('account', 'show', 'second-account', '--json');
    const hash = (JSON.parse(out) as { api_key_hashes: string[] }).api_key_hashes;
    expect(hash).toHaveLength(2);
    const revoke = ['account', 'key', 'revoke', 'second-account', '--key-file', '-', ...why, '--yes'];
    // Standard input is empty: that is no key of anybody.
    expect(await alice.sluice(...revoke)).toMatchObject({ exitCode: 3 });
    const { api_key_hash } = JSON.parse(added.out) as { api_key_hash: string };
    const args = ['account', 'key', 'revoke', 'second-account', '--sha256', api_key_hash, ...why, '--yes'];
    expect(await alice.sluice(...args, ...wait)).toMatchObject({ exitCode: 0 });
    expect(await issue({ ...rsa, apiKey })).toMatchObject({ status: 401 });
    expect(await issue({ ...rsa, apiKey: system.otherApiKey })).toMatchObject({ status: 201 });
  });
});

describe('--wait while a signer is frozen', () => {
  const change = (verb: string) => ['profile', verb, testProfiles.short, ...why, '--wait'];
  const age = (column: string): Promise<unknown> =>
    system.query(`update registry.subscriber set ${column} = ${column} - interval '1 minute' where name = 'signer-2'`);

  it('names it, pending and then silent, until it has applied the change', async () => {
    system.signers[1]?.process.freeze();
    const waiting = alice.start(...change('disable'), '--yes');
    await expect.poll(waiting.err, { timeout: 20_000 }).toContain('missing: signer-2 (signer, pending)');
    await age('heard_at');
    await expect.poll(waiting.err, { timeout: 20_000 }).toContain('missing: signer-2 (signer, silent)');
    system.signers[1]?.process.thaw();
    const { exitCode, out } = await waiting.ended;
    expect(exitCode).toBe(0);
    expect(out).toMatch(
      /disabled since epoch \d+\.\nEpoch \d+: applied by 3 of 3\.\n +last claim .*\n +last acknowledgement .* after the command$/,
    );
  });

  it('ends with code 6 when time is over, and is over when it is fenced; it can be forgotten, and comes back', async () => {
    system.signers[1]?.process.freeze();
    const late = await alice.sluice(...change('enable'), '--timeout', '2');
    expect(late).toMatchObject({ exitCode: 6 });
    expect(late.out).toMatch(/signer-2 \(signer\) pending.*runbooks\/subscriber-silent\.md/);
    expect(await alice.sluice('subscribers', 'forget', 'signer-2', ...why, '--yes')).toMatchObject({ exitCode: 4 });
    const waiting = alice.start(...change('disable'), '--yes');
    await expect.poll(waiting.err, { timeout: 20_000 }).toContain('missing: signer-2');
    await age('lease_until');
    const { exitCode, out } = await waiting.ended;
    expect([exitCode, out]).toEqual([0, expect.stringContaining('applied by 2 of 3, 1 fenced')]);
    expect((await alice.sluice('subscribers')).out).toMatch(/signer-2 +signer +\d+ +fenced/);
    expect(await alice.sluice('subscribers', 'forget', 'signer-2', ...why, '--yes')).toMatchObject({ exitCode: 0 });
    expect((await alice.sluice('subscribers')).out).not.toContain('signer-2');
    system.signers[1]?.process.thaw();
    const back = async (): Promise<string> => (await alice.sluice('subscribers')).out;
    await expect.poll(back, { timeout: 30_000, interval: 500 }).toMatch(/signer-2 +signer +\d+ +applied/);
  });
});
