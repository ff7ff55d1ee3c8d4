import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Answer,
  type Member,
  makeCsr,
  type RecordingClient,
  type System,
  startSystem,
  testProfiles,
} from '@sluice/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { statusOf } from '../crash/service-status.js';

/** What a busy machine may add to anything that is noticed or healed within seconds. */
const noticeMs = 20_000;
const dead = { profile: testProfiles.p256, ca: 'ca-p256' } as const;
const healthy = { profile: testProfiles.rsa, ca: 'ca-rsa' } as const;

let system: System;
let client: RecordingClient;
let signers: [Member, Member];
let ordered = 0;
/** Ordered while the CA was quarantined, with nobody waiting. */
let held: Answer;

beforeAll(async () => {
  system = await startSystem({ signers: 2, tokens: 'each', leaseMs: 5000, signaturesPerSecond: 40 });
  client = system.client();
  signers = system.signers as [Member, Member];
});
afterAll(async () => {
  if (system) expect(await system.stop()).toEqual([]);
});

function order(profile: string, prefer = 'wait=25'): Promise<Answer> {
  ordered += 1;
  const name = `token-${ordered}.example`;
  const { pem: csr } = makeCsr('ec-p256', name);
  return client.post({ profile, csr, subjectDn: { common_name: name }, prefer });
}

/** Orders of these profiles, side by side, from before `work` until after it. */
async function orderMeanwhile(profiles: readonly string[], work: () => Promise<unknown>): Promise<Answer[]> {
  const answers: Answer[] = [];
  let done = false;
  const loops = profiles.map(async (profile) => {
    do answers.push(await order(profile));
    while (!done);
  });
  await work().finally(() => {
    done = true;
  });
  await Promise.all(loops);
  return answers;
}

const allIssued = (answers: readonly Answer[]): void =>
  expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
const both = [dead.profile, healthy.profile];

const folderOf = (number: 1 | 2): string => join(system.dir, `token-${number}`);
const keyFile = (number: 1 | 2): string => join(folderOf(number), `${dead.ca}.pem`);
const openBreakers = async (): Promise<(readonly string[])[]> =>
  (await Promise.all(signers.map(statusOf))).map(({ open }) => open);

async function quarantine(): Promise<{ tokens: string[]; whole: boolean }> {
  const [row] = await system.query<{ tokens: string[]; whole: boolean }>(
    `select c.quarantined as whole, array(select token from registry.ca_token q
       where q.ca = c.name and q.quarantined order by token) as tokens from registry.ca c where c.name = $1`,
    [dead.ca],
  );
  return row ?? { tokens: [], whole: false };
}

const serialsOf = async (member: Member): Promise<number> => {
  const rows = await system.query<{ count: number }>(
    `select count(*)::int as count from ledger.serial where signer = $1 and ca = $2`,
    [member.name, dead.ca],
  );
  return rows[0]?.count ?? 0;
};
const signedBy = (number: 1 | 2, ca: string): number =>
  system.witness().filter(({ token, label }) => token === `token-${number}` && label === ca).length;

/** The alarm: a line at error level and a metric that name CA and token. */
async function alarmOf(member: Member, token: string): Promise<void> {
  const lines = readFileSync(member.logFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"key-missing"'));
  expect(lines.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ event: 'key-missing', level: 'error', ca: dead.ca, token }),
  );
  const metrics = await (await fetch(`${member.url}/metrics`)).text();
  expect(metrics).toMatch(new RegExp(`^sluice_key_missing_total\\{ca="${dead.ca}",token="${token}".*\\} [1-9]`, 'm'));
}

it('one of two tokens goes away and comes back: no request fails, and its breaker alone opens and closes', async () => {
  const answers = await orderMeanwhile([...both, dead.profile], async () => {
    renameSync(folderOf(2), `${folderOf(2)}.gone`);
    await expect.poll(openBreakers, { timeout: noticeMs }).toEqual([[], ['token:token-2']]);
    expect((await statusOf(signers[1])).ready).toBe(false);
    renameSync(`${folderOf(2)}.gone`, folderOf(2));
    await expect.poll(openBreakers, { timeout: noticeMs }).toEqual([[], []]);
    const before = signedBy(2, dead.ca);
    await expect.poll(() => signedBy(2, dead.ca), { timeout: noticeMs }).toBeGreaterThan(before);
  });
  allIssued(answers);
  expect(await quarantine()).toEqual({ tokens: [], whole: false });
});

it('a key gone from one token: quarantined there and pushed, no request fails, and that signer serves other CAs', async () => {
  const answers = await orderMeanwhile([...both, dead.profile], async () => {
    renameSync(keyFile(2), `${keyFile(2)}.gone`);
    await expect.poll(quarantine, { timeout: noticeMs }).toEqual({ tokens: ['token-2'], whole: false });
    await system.applied(signers);
    const [serials, other] = [await serialsOf(signers[1]), signedBy(2, healthy.ca)];
    await expect.poll(() => signedBy(2, healthy.ca), { timeout: noticeMs }).toBeGreaterThan(other);
    // Not asked again, and nothing taken to be given back.
    expect(await serialsOf(signers[1])).toBe(serials);
  });
  allIssued(answers);
  await alarmOf(signers[1], 'token-2');
  expect(await openBreakers()).toEqual([[], []]);
});

it('another key in its place on that token, lifted: quarantined there again, nothing signed with it, no request fails', async () => {
  copyFileSync(join(folderOf(2), `${healthy.ca}.pem`), keyFile(2));
  const signed = signedBy(2, dead.ca);
  const answers = await orderMeanwhile([...both, dead.profile], async () => {
    await system.query(`select registry.lift_quarantine('operator-1', $1, 'token-2', 'a drill')`, [dead.ca]);
    await expect.poll(quarantine, { timeout: noticeMs }).toEqual({ tokens: ['token-2'], whole: false });
  });
  allIssued(answers);
  expect(signedBy(2, dead.ca)).toBe(signed);
  const reasons = await system.query(`select reason from registry.ca_token where ca = $1`, [dead.ca]);
  expect(reasons).toEqual([{ reason: expect.stringContaining('another key than the registry knows') }]);
});

it('gone from both: the CA is quarantined, its work is held, and no other CA notices', async () => {
  const answers = await orderMeanwhile([healthy.profile], async () => {
    renameSync(keyFile(1), `${keyFile(1)}.gone`);
    await expect
      .poll(
        async () => {
          await order(dead.profile, 'wait=1');
          return quarantine();
        },
        { timeout: noticeMs },
      )
      .toEqual({ tokens: ['token-1', 'token-2'], whole: true });
    await system.applied(signers);
    const serials = await Promise.all(signers.map(serialsOf));
    expect(await order(dead.profile, 'wait=2')).toMatchObject({ status: 202, fate: 'continuing' });
    held = await order(dead.profile, 'respond-async');
    expect(await Promise.all(signers.map(serialsOf))).toEqual(serials);
  });
  allIssued(answers);
  await alarmOf(signers[0], 'token-1');
  expect(await openBreakers()).toEqual([[], []]);
  expect(await system.query(`select state from registry.ca where name = $1`, [dead.ca])).toEqual([{ state: 'active' }]);
});

it('put back and lifted: both tokens issue again, and what was held is issued', async () => {
  expect((await client.get(held.id ?? '')).state).toBe('queued');
  for (const number of [1, 2] as const) renameSync(`${keyFile(number)}.gone`, keyFile(number));
  const signed = [signedBy(1, dead.ca), signedBy(2, dead.ca)] as const;
  await system.query(`select registry.lift_quarantine('operator-1', $1, null, 'put back')`, [dead.ca]);
  const answers = await orderMeanwhile(both, async () => {
    await system.applied(signers);
    await expect.poll(() => signedBy(1, dead.ca), { timeout: noticeMs }).toBeGreaterThan(signed[0]);
    await expect.poll(() => signedBy(2, dead.ca), { timeout: noticeMs }).toBeGreaterThan(signed[1]);
  });
  allIssued(answers);
  expect(await quarantine()).toEqual({ tokens: [], whole: false });
  const certificate = async () => (await client.get(held.id ?? '')).certificate;
  await expect.poll(certificate, { timeout: noticeMs }).toContain('BEGIN CERTIFICATE');
});

it('a signer restarted where its volume is not mounted: not ready, makes no token, quarantines nothing, no request fails', async () => {
  const answers = await orderMeanwhile(both, async () => {
    await signers[1].process.terminate();
    renameSync(folderOf(2), `${folderOf(2)}.gone`);
    mkdirSync(folderOf(2));
    await signers[1].start();
    const tokenCheck = async () => (await statusOf(signers[1])).troubles.token;
    await expect.poll(tokenCheck, { timeout: noticeMs }).toMatch(/nothing lies where .* token-2 .*mount its volume/);
    expect(readdirSync(folderOf(2))).toEqual([]);
    rmdirSync(folderOf(2));
    renameSync(`${folderOf(2)}.gone`, folderOf(2));
    const before = signedBy(2, dead.ca);
    await expect.poll(() => signedBy(2, dead.ca), { timeout: noticeMs }).toBeGreaterThan(before);
  });
  allIssued(answers);
  expect(await quarantine()).toEqual({ tokens: [], whole: false });
});

it('every accepted request ended, by witness, client history and ledger; no serial was burned', async () => {
  await system.settle(30_000);
  expect((await system.audit(client.answers, 60_000)).violations).toEqual([]);
  expect(await system.query(`select serial from ledger.serial where state = 'burned'`)).toEqual([]);
});
