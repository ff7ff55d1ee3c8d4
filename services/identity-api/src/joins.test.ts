import { connect } from 'node:net';
import { describe, expect } from 'vitest';
import { it, looked, oneSecond, onlyId, told, waited } from './testing/front-test.js';
import { anotherAsk, apiKey, body, csr, forgedCsr, newKey } from './testing/start-front.js';

describe('joins', () => {
  it('50 equal orders at once: one request, 50 equal answers, one shared wait', async ({ front, ledger }) => {
    const headers = { 'idempotency-key': newKey() };
    const asked = Promise.all(Array.from({ length: 50 }, () => front.post(body, headers)));
    await front.pass(0, 50);
    ledger.issue(onlyId(ledger));
    front.waiters.ring([onlyId(ledger)]);
    const answers = await asked;
    const texts = new Set(await Promise.all(answers.map(async (answer) => `${answer.status} ${await answer.text()}`)));
    expect([...texts]).toHaveLength(1);
    expect([...texts][0]).toMatch(/^201 /);
    expect(ledger.stored.size).toBe(1);
    expect(ledger.calls.read).toBe(1);
    expect(front.waiters.count).toBe(0);
  });

  it('the same order in another order of members is the same; another payload is 422 and has no fate', async ({
    front,
    ledger,
  }) => {
    ledger.afterAccept = (id) => ledger.issue(id);
    const headers = { 'idempotency-key': newKey() };
    await looked(front, headers);
    const turned = { csr, subject_dn: { common_name: 'unit' }, profile: 'tls-client' };
    expect((await front.post(turned, headers)).status).toBe(201);
    expect(ledger.stored.size).toBe(1);
    for (const name of ['else', '']) {
      const other = await front.post({ ...body, subject_dn: { common_name: name } }, headers);
      expect(await told(other)).toMatchObject(
        name === '' ? { status: 400 } : { status: 422, code: 'payload-mismatch' },
      );
    }
    const refused = await front.post({ ...body, profile: 'of-disabled' }, headers);
    expect(await told(refused)).toEqual({ status: 422, code: 'payload-mismatch', fate: undefined });
  });

  it('a new key is not looked up: accepting it says that it is new', async ({ front, ledger }) => {
    ledger.afterAccept = (id) => ledger.issue(id);
    expect((await looked(front, { 'idempotency-key': newKey() })).status).toBe(201);
    expect(ledger.calls).toMatchObject({ join: 0, accept: 1 });
  });

  it('ends are replayed, even when the profile may no longer be used', async ({ front, ledger }) => {
    const headers = { 'idempotency-key': newKey() };
    ledger.afterAccept = (id) =>
      ledger.become(id, { state: 'rejected', code: 'ca-retiring', detail: '', withheld: false });
    const first = await told(await looked(front, headers));
    expect(first).toEqual({ status: 409, code: 'ca-retiring', fate: 'not-issued' });
    expect(await told(await front.post(body, headers))).toEqual(first);
    const profiles = front.snapshot.profiles.map((profile) => ({ ...profile, state: 'disabled' as const }));
    front.snapshot = { ...front.snapshot, profiles };
    expect(await told(await front.post())).toMatchObject({ code: 'profile-disabled' });
    expect(await told(await front.post(body, headers))).toEqual(first);
    expect(ledger.stored.size).toBe(1);
  });

  it('what is open is joined, even when the lane is full; a new key is refused', async ({ front, ledger }) => {
    const headers = { 'idempotency-key': newKey() };
    const first = front.post(body, headers);
    await expect.poll(() => ledger.stored.size).toBe(1);
    for (let open = 1; open < 100; open += 1) front.admission.admit(anotherAsk);
    const refused = await front.post(body, { 'idempotency-key': newKey() });
    expect(await told(refused)).toEqual({ status: 503, code: 'lane-full', fate: 'unknown' });
    const second = front.post(body, headers);
    await front.pass(0, 2);
    ledger.issue(onlyId(ledger));
    front.waiters.ring([onlyId(ledger)]);
    expect([(await first).status, (await second).status]).toEqual([201, 201]);
  });

  it('without a key, an equal one that is open is joined even when there is no room; another is refused', async ({
    front,
    ledger,
  }) => {
    const first = front.post();
    await expect.poll(() => ledger.stored.size).toBe(1);
    for (let open = 1; open < 100; open += 1) front.admission.admit(anotherAsk);
    const other = { ...body, subject_dn: { common_name: 'another' } };
    expect(await told(await front.post(other))).toEqual({ status: 503, code: 'lane-full', fate: 'not-issued' });
    const forged = await told(await front.post({ ...body, csr: forgedCsr }));
    expect(forged).toEqual({ status: 422, code: 'csr-invalid', fate: 'not-issued' });
    const second = front.post();
    await front.pass(0, 2);
    ledger.issue(onlyId(ledger));
    front.waiters.ring([onlyId(ledger)]);
    expect([(await first).status, (await second).status]).toEqual([201, 201]);
    expect(ledger.calls.accept).toBe(1);
    expect((await front.post()).status).toBe(503);
  });

  it('without a key, where the ledger does not say what is open, a refusal is a refusal', async ({ front, ledger }) => {
    for (let open = 0; open < 100; open += 1) front.admission.admit(anotherAsk);
    ledger.trouble.joinEqual = 'lost-answer';
    expect(await told(await front.post())).toEqual({ status: 503, code: 'lane-full', fate: 'not-issued' });
  });

  it('an expired one is reopened as a new request under the same key', async ({ front, ledger }) => {
    const headers = { 'idempotency-key': newKey() };
    expect(await told(await waited(front, 750, headers))).toMatchObject({ fate: 'not-issued' });
    const [old] = [...ledger.stored.keys()];
    ledger.afterAccept = (id) => ledger.issue(id);
    const again = await looked(front, headers);
    expect(again.status).toBe(201);
    expect((await again.json()) as object).not.toMatchObject({ id: old });
    expect([...ledger.stored.values()][1]?.row.reopens).toBe(old);
  });

  it('without a key, an equal open order joins', async ({ front, ledger }) => {
    const first = front.post(body, { prefer: 'wait=2' });
    await expect.poll(() => ledger.stored.size).toBe(1);
    const second = front.post(body, { prefer: 'wait=2' });
    await front.pass(0, 2);
    ledger.issue(onlyId(ledger));
    front.waiters.ring([onlyId(ledger)]);
    expect([(await first).status, (await second).status]).toEqual([201, 201]);
    expect(ledger.stored.size).toBe(1);
  });

  it('who waits shorter says continuing when another waits longer, and so is not contradicted', async ({
    front,
    ledger,
  }) => {
    const headers = { 'idempotency-key': newKey() };
    const short = front.post(body, { ...headers, ...oneSecond });
    await expect.poll(() => ledger.stored.size).toBe(1);
    const long = front.post(body, { ...headers, prefer: 'wait=2' });
    await front.pass(750, 2);
    expect(await told(await short)).toEqual({ status: 202, fate: 'continuing' });
    ledger.issue(onlyId(ledger));
    front.waiters.ring([onlyId(ledger)]);
    expect((await long).status).toBe(201);
  });

  describe.for([
    ['with a key', { 'idempotency-key': 'joined' }],
    ['without a key', {}],
  ] as const)('%s, who waits shorter than others does not end it', ([, headers]) => {
    it('one waits 6 s, another joins for 1 s: it goes on, and is issued to the first', async ({ front, ledger }) => {
      const long = front.post(body, headers);
      await front.pass(0);
      const short = front.post(body, { ...headers, ...oneSecond });
      await front.pass(750, 2);
      expect(await told(await short)).toEqual({ status: 202, fate: 'continuing' });
      expect([front.waiters.count, ledger.calls.decide]).toEqual([1, 1]);
      ledger.issue(onlyId(ledger));
      front.waiters.ring([onlyId(ledger)]);
      expect((await long).status).toBe(201);
    });

    it('nor is the first told that it ended: at its own end it goes on too', async ({ front, ledger }) => {
      const long = front.post(body, headers);
      await front.pass(0);
      const short = front.post(body, { ...headers, ...oneSecond });
      await front.pass(750, 2);
      expect(await told(await short)).toEqual({ status: 202, fate: 'continuing' });
      await front.pass(4999);
      expect(front.waiters.count).toBe(1);
      await front.pass(1);
      expect(await told(await long)).toEqual({ status: 202, fate: 'continuing' });
      expect(ledger.stored.get(onlyId(ledger))?.ended.state).toBe('queued');
    });

    it('what was told to go on (respond-async) goes on after a joiner that waits 1 s', async ({ front, ledger }) => {
      const first = await front.post(body, { ...headers, prefer: 'respond-async' });
      expect(await told(first)).toEqual({ status: 202, fate: 'continuing' });
      expect(await told(await waited(front, 750, headers))).toEqual({ status: 202, fate: 'continuing' });
      expect([ledger.stored.size, ledger.calls.decide]).toEqual([1, 1]);
      expect(ledger.stored.get(onlyId(ledger))?.ended.state).toBe('queued');
    });
  });

  it.for(['', 'ä', 'x'.repeat(256)])('an unusable key (%j) is 400', async (key, { front }) => {
    const answer = await front.post(body, { 'idempotency-key': key });
    expect(await told(answer)).toEqual({ status: 400, code: 'key-invalid', fate: undefined });
  });
});

describe('a client that hangs up', () => {
  it('gives back its place; its request goes on', async ({ front, ledger }) => {
    const gone = new AbortController();
    const headers = {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      'idempotency-key': newKey(),
    };
    const asking = fetch(`${front.url}/identity`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      signal: gone.signal,
    });
    await expect.poll(() => front.waiters.count).toBe(1);
    gone.abort();
    await expect(asking).rejects.toThrow();
    await expect.poll(() => front.waiters.count).toBe(0);
    expect(ledger.stored.get(onlyId(ledger))?.ended.state).toBe('queued');
    expect([ledger.calls.decide, ledger.calls.cancel]).toEqual([0, 0]);
    ledger.issue(onlyId(ledger));
    expect((await front.post(body, headers)).status).toBe(201);
  });

  it('in the middle of its body: nothing is stored', async ({ front, ledger }) => {
    const { hostname, port } = new URL(front.url);
    const socket = connect(Number(port), hostname);
    const head = [
      'POST /identity HTTP/1.1',
      'Host: x',
      `Authorization: Bearer ${apiKey}`,
      'Content-Type: application/json',
    ];
    socket.end([...head, 'Content-Length: 500', '', '{"profile"'].join('\r\n'));
    await expect.poll(() => front.metrics()).toContain('sluice_hang_ups_total{service="identity-api"} 1');
    expect(ledger.calls.accept).toBe(0);
  });
});
