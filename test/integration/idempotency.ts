import { randomUUID } from 'node:crypto';
import { type Answer, makeCsr, type PostOptions, type RecordingClient, testProfiles } from '@sluice/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signaturesPerSecond, system } from './one-system.js';

const order = (key: string): PostOptions => ({
  profile: testProfiles.p256,
  csr: makeCsr('ec-p256', 'same.example').pem,
  subjectDn: { common_name: 'same.example' },
  key,
});

/** As a good client does: a lost connection is tried again at another front end, with the same key. */
async function postUntilAnswered(client: RecordingClient, options: PostOptions): Promise<Answer> {
  for (let tries = 0; tries < 20; tries += 1) {
    const answer = await client.post(options);
    if (answer.status !== undefined) return answer;
  }
  throw new Error('no front end answers');
}

async function rowsOf(key: string): Promise<{ requests: number; certificates: number }> {
  const [row] = await system.query<{ requests: number; certificates: number }>(
    `select count(distinct r.id)::integer as requests, count(c.der)::integer as certificates
     from ledger.request r left join ledger.certificate c on c.request_id = r.id where r.idempotency_key = $1`,
    [key],
  );
  return row ?? { requests: 0, certificates: 0 };
}

async function expectOneCertificate(client: RecordingClient, key: string, answers: readonly Answer[]): Promise<void> {
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 201));
  expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
  expect(await rowsOf(key)).toEqual({ requests: 1, certificates: 1 });
  const [first] = answers;
  expect(system.witness().filter((entry) => entry.serial?.replace(/^00/, '') === first?.serial)).toHaveLength(1);
  await system.settle(10_000);
  expect((await system.audit(client.answers)).violations).toEqual([]);
}

// 20 signatures a second: all 50 callers are there before the certificate is.
beforeAll(() => system.pacer?.setRate(20));
afterAll(() => system.pacer?.setRate(signaturesPerSecond));

describe('50 equal POSTs at once over two front ends', () => {
  it('make one certificate and get 50 equal answers', async () => {
    const client = system.client();
    const same = order(randomUUID());
    const witnessedBefore = system.witness().length;
    const answers = await Promise.all(Array.from({ length: 50 }, () => postUntilAnswered(client, same)));
    await expectOneCertificate(client, same.key ?? '', answers);
    expect(system.witness()).toHaveLength(witnessedBefore + 1);
  });

  it('also when a front end is killed in the middle', async () => {
    const client = system.client();
    const same = order(randomUUID());
    const [dying, living] = system.frontEnds;
    if (!dying || !living || !system.pacer) throw new Error('two front ends and a pacer were asked for');
    const witnessedBefore = system.witness().length;
    // The signature cannot come before the kill: the pacer stands still until it has happened.
    system.pacer.setRate(0);
    const posts = Array.from({ length: 50 }, () => postUntilAnswered(client, same));
    while ((await rowsOf(same.key ?? '')).requests === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await dying.process.kill9();
    system.pacer.setRate(20);
    const answers = await Promise.all(posts);
    expect(client.answers.filter((answer) => answer.error !== undefined).length).toBeGreaterThan(0);
    await dying.start();
    await expectOneCertificate(client, same.key ?? '', answers);
    expect(system.witness()).toHaveLength(witnessedBefore + 1);
  });

  it('another payload with that key is refused and changes nothing', async () => {
    const client = system.client();
    const same = order(randomUUID());
    expect(await client.post(same)).toMatchObject({ status: 201 });
    const other = { ...order(same.key ?? ''), subjectDn: { common_name: 'other.example' } };
    expect(await client.post(other)).toMatchObject({ status: 422, code: 'payload-mismatch' });
    expect(await rowsOf(same.key ?? '')).toEqual({ requests: 1, certificates: 1 });
  });

  it("another account's equal key is another key", async () => {
    const key = randomUUID();
    const mine = await system.client().post(order(key));
    const theirs = await system.client({ apiKey: system.otherApiKey }).post(order(key));
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(theirs.serial).not.toBe(mine.serial);
  });
});
