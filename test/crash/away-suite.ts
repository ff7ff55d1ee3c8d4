import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Status } from '@sluice/registry-protocol';
import {
  type Answer,
  type Member,
  makeCsr,
  type PostOptions,
  type RecordingClient,
  type System,
  startSystem,
  testProfiles,
} from '@sluice/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statusOf } from './service-status.js';

/** Every service resumes by itself within this, once what was away is back. */
const resumeMs = 10_000;
/** How long a hang, or a dead connection, may go unnoticed, with what a busy machine adds. */
const noticeMs = 12_000;

/**
 * Each thing a service needs is away for a while: what clients are told, what services say of themselves, and that
 * everything goes on by itself afterwards. Then the accounting of all of it.
 */
export function awaySuite({ awayMs }: { readonly awayMs: number }): void {
  let system: System;
  let client: RecordingClient;
  let [front, signer, registry] = [] as unknown as [Member, Member, Member];
  let ordered = 0;

  beforeAll(async () => {
    system = await startSystem({ postgres: 'own', wires: true, leaseMs: 3000 });
    client = system.client();
    [front, signer, registry] = [system.frontEnds[0], system.signers[0], system.registry] as [Member, Member, Member];
  });
  afterAll(async () => {
    if (system) expect(await system.stop()).toEqual([]);
  });

  function order(more: Partial<PostOptions> = {}): Promise<Answer> {
    ordered += 1;
    const name = `away-${ordered}.example`;
    const { pem: csr } = makeCsr('ec-p256', name);
    return client.post({ profile: testProfiles.p256, csr, subjectDn: { common_name: name }, ...more });
  }
  const issues = (timeout: number): Promise<void> =>
    expect.poll(async () => (await order({ prefer: 'wait=3' })).status, { timeout }).toBe(201);
  const wellAgain = (...members: Member[]): Promise<void> =>
    expect
      .poll(async () => (await Promise.all(members.map(statusOf))).map(({ troubles, open }) => ({ troubles, open })), {
        timeout: resumeMs,
      })
      .toEqual(members.map(() => ({ troubles: {}, open: [] })));

  describe('Redis away: slower, not stopped', () => {
    const told = { alive: true, ready: true, open: ['redis'], troubles: { redis: expect.any(String) } };
    it.each<[string, () => Promise<void> | void, () => Promise<void> | void]>([
      ['killed', () => system.redis.kill9(), () => system.redis.restart()],
      ['hanging', () => system.wires?.redis.blackHole(), () => system.wires?.redis.heal()],
    ])('%s', async (_, takeAway, bringBack) => {
      await takeAway();
      const begun = performance.now();
      for (const member of [front, signer]) {
        await expect.poll(() => statusOf(member), { timeout: noticeMs }).toMatchObject(told);
      }
      do expect(await order()).toMatchObject({ status: 201, fate: 'issued' });
      while (performance.now() - begun < awayMs);
      await bringBack();
      await wellAgain(front, signer);
      await issues(resumeMs);
    });
  });

  describe('PostgreSQL away: 503 with a fate that is true, alive and not ready, and back by itself', () => {
    it.each<[string, () => Promise<void> | void, () => Promise<void> | void]>([
      ['killed, refusing connections', () => system.postgres?.kill9(), () => system.postgres?.restart()],
      ['hanging', () => system.wires?.postgres.blackHole(), () => system.wires?.postgres.heal()],
    ])('%s', async (_, takeAway, bringBack) => {
      await takeAway();
      const begun = performance.now();
      const answers: Answer[] = [];
      try {
        for (const member of [front, signer, registry]) {
          await expect
            .poll(() => statusOf(member), { timeout: noticeMs, message: member.name })
            .toMatchObject({ alive: true, ready: false, troubles: { ledger: expect.any(String) } });
        }
        // Its breaker opens: nothing is sent, and so nothing stored. Under a key a twin may be stored all the same.
        const untilRefused = async (): Promise<object> => {
          const answer = await order({ prefer: 'wait=1' });
          answers.push(answer);
          return { ...answer, open: (await statusOf(front)).open };
        };
        await expect.poll(untilRefused, { timeout: noticeMs }).toMatchObject({
          status: 503,
          code: 'unavailable',
          fate: 'not-issued',
          open: expect.arrayContaining(['ledger']),
        });
        expect(await order({ key: `away-${ordered}` })).toMatchObject({ status: 503, fate: 'unknown' });
        await wait(awayMs - (performance.now() - begun));
      } finally {
        await bringBack();
      }
      await issues(resumeMs);
      await wellAgain(front, signer, registry);
      for (const { status, fate } of answers) {
        expect([status, fate]).toEqual([503, expect.stringMatching(/^(unknown|not-issued)$/)]);
      }
    });

    it('while services are started: they are there, not ready, and enrol when it is back', async () => {
      system.wires?.postgres.cut();
      try {
        const members = [front, signer, registry];
        await Promise.all(members.map((member) => member.process.kill9().then(member.start)));
        for (const member of members) expect(await statusOf(member)).toMatchObject({ alive: true, ready: false });
        expect((await order({ prefer: 'wait=1' })).status).toBe(503);
      } finally {
        system.wires?.postgres.heal();
      }
      await issues(resumeMs);
      await wellAgain(front, signer, registry);
    });

    it('all its connections dead without a word: noticed by the first lost answer', async () => {
      await Promise.all(Array.from({ length: 20 }, () => order()));
      system.wires?.postgres.forget();
      await issues(noticeMs + resumeMs);
      await wellAgain(front, signer, registry);
    });
  });

  it('the registry away: services start from their last snapshot, and say that it is stale', async () => {
    await registry.process.kill9();
    await Promise.all([front, signer].map((member) => member.process.kill9().then(member.start)));
    await issues(resumeMs);
    for (const member of [front, signer]) {
      await expect
        .poll(() => statusOf(member), { timeout: noticeMs })
        .toMatchObject({ alive: true, ready: true, open: ['registry'], stale: true });
      expect(Object.values((await statusOf(member)).troubles).join()).toContain('stale');
    }
    await registry.start();
    await wellAgain(front, signer, registry);
    expect([(await statusOf(front)).stale, (await statusOf(signer)).stale]).toEqual([false, false]);
  });

  /** What `sluice status` shows of it, without what may have been said before the last change. */
  const reported = async (name: string): Promise<unknown> => {
    const { subscribers } = await system.admin.call<Status>('GET', '/admin/v1/status');
    return subscribers.find((subscriber) => subscriber.name === name)?.report;
  };

  it('a clock that is wrong: its signer claims nothing, says so, and goes on when it is right', async () => {
    signer.setClock(3_600_000);
    const told = { ready: false, troubles: { clock: '3600 s ahead of the ledger' } };
    await expect.poll(() => statusOf(signer), { timeout: noticeMs }).toMatchObject({ alive: true, ...told });
    await expect.poll(() => reported(signer.name), { timeout: noticeMs }).toMatchObject(told);
    expect(await order({ prefer: 'wait=1' })).toMatchObject({ status: 503, fate: 'not-issued' });
    await wait(awayMs);
    signer.setClock(0);
    await issues(resumeMs);
    await wellAgain(signer);
  });

  it('a clock that is wrong at a front end: told, and served all the same', async () => {
    front.setClock(-3_600_000);
    const told = { ready: true, troubles: { clock: '3600 s behind the ledger' } };
    await expect.poll(() => statusOf(front), { timeout: noticeMs }).toMatchObject({ alive: true, ...told });
    await issues(resumeMs);
    front.setClock(0);
    await wellAgain(front);
  });

  it('a token that is gone: nothing is claimed, no serial is burned, and it goes on when it is there', async () => {
    const burned = () => system.query(`select serial from ledger.serial where state = 'burned'`);
    const before = await burned();
    const keys = join(system.dir, 'keys');
    renameSync(keys, `${keys}.gone`);
    const told = { ready: false, troubles: { token: expect.any(String) } };
    await expect
      .poll(() => statusOf(signer), { timeout: 2 * noticeMs })
      .toMatchObject({ alive: true, ...told, open: ['token:file'] });
    await expect.poll(() => reported(signer.name), { timeout: noticeMs }).toMatchObject(told);
    expect(await order({ prefer: 'wait=1' })).toMatchObject({ status: 503, fate: 'not-issued' });
    await wait(awayMs);
    renameSync(`${keys}.gone`, keys);
    await issues(resumeMs);
    await wellAgain(signer);
    expect(await burned()).toEqual(before);
  });

  it('every accepted request ended, by witness, client history and ledger', async () => {
    await system.settle(30_000);
    const { violations } = await system.audit(client.answers, 60_000);
    expect(violations).toEqual([]);
  });
}
