import { connect } from 'node:net';
import { expect, test } from 'vitest';
import type { FakeLedger } from './testing/fake-ledger.js';
import {
  apiKey,
  body,
  csr,
  disabledApiKey,
  forgedCsr,
  newKey,
  type StartedFront,
  startFront,
} from './testing/start-front.js';

/** A front of its own for each test. Its clock stands still until the test says `pass`. */
const it = test.extend<{ front: StartedFront; ledger: FakeLedger }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures that one needs from the pattern.
  front: async ({}, use) => {
    const front = await startFront();
    await use(front);
    await front.server.stop(100);
    expect(front.ledger.violations).toEqual([]);
  },
  ledger: async ({ front }, use) => use(front.ledger),
});
const { describe } = it;

const oneSecond = { prefer: 'wait=1' };

/** Posts, and lets the first look come. */
async function looked(front: StartedFront, headers: Record<string, string> = {}): Promise<Response> {
  const asked = front.post(body, headers);
  await front.pass(50);
  return await asked;
}

/** Posts with a wait of one second, and lets it pass. */
async function waited(front: StartedFront, passMs = 750, headers: Record<string, string> = {}): Promise<Response> {
  const asked = front.post(body, { ...oneSecond, ...headers });
  await front.pass(passMs);
  return await asked;
}

async function told(answer: Response) {
  const said = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, code: said.code, fate: said.fate };
}
const onlyId = (ledger: FakeLedger) => [...ledger.stored.keys()][0] ?? '';

describe('the fate table', () => {
  it('issued: 201 with serial, certificate, the whole chain and Location', async ({ front, ledger }) => {
    ledger.afterAccept = (id) => ledger.issue(id);
    const answer = await looked(front);
    expect(answer.status).toBe(201);
    const said = (await answer.json()) as Record<string, unknown>;
    expect(Object.keys(said)).toEqual(['id', 'serial', 'signing_cert', 'chain', 'not_before', 'not_after']);
    expect(said).toMatchObject({ id: onlyId(ledger), serial: '0a0b', not_before: '2026-11-21T00:00:00.000Z' });
    expect(said.signing_cert).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    const chain = (said.chain as string[]).map((pem) => Buffer.from(pem.split('\n')[1] ?? '', 'base64').toString());
    expect(chain).toEqual(['certificate of issuing', 'certificate of root']);
    expect(answer.headers.get('location')).toBe(`/identity/${onlyId(ledger)}`);
    expect(answer.headers.get('vary')).toContain('Prefer');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(front.checkpoints).toEqual(
      ['before-accept', 'after-accept', 'before-answer'].map((at) => `identity-api:${at}`),
    );
    const { row } = ledger.stored.get(onlyId(ledger)) ?? {};
    expect(row).toMatchObject({
      account: 'demo',
      profile: 'tls-client',
      profileRevision: 3,
      ca: 'issuing',
      class: 'interactive',
    });
    expect(row?.content).toBe('{"san":{},"subject_dn":{"common_name":"unit","organization":"Example"}}');
    expect(row?.waitMs).toBeGreaterThan(5000);
    expect(row?.waitMs).toBeLessThanOrEqual(5750);
  });

  it('issued while it waits, told by the bell', async ({ front, ledger }) => {
    const asked = front.post();
    await front.pass(0);
    ledger.issue(onlyId(ledger));
    front.waiters.ring([onlyId(ledger)]);
    expect(await told(await asked)).toMatchObject({ status: 201 });
  });

  it('issued while it waits, without the bell: found by looking again', async ({ front, ledger }) => {
    const asked = front.post();
    await front.pass(49);
    ledger.issue(onlyId(ledger));
    expect(ledger.calls.read).toBe(0);
    await front.pass(1);
    expect(await told(await asked)).toMatchObject({ status: 201 });
    expect(ledger.calls.read).toBe(1);
  });

  it.for(['respond-async', 'wait=0'])(
    '%s: 202 at once, continuing for its time to live',
    async (prefer, { front, ledger }) => {
      const answer = await front.post(body, { prefer });
      expect(answer.headers.get('location')).toBe(`/identity/${onlyId(ledger)}`);
      expect(answer.headers.get('preference-applied')).toBe(prefer);
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]$/);
      expect(await answer.json()).toEqual({ id: onlyId(ledger), state: 'queued', fate: 'continuing' });
      expect(answer.status).toBe(202);
      expect(ledger.stored.get(onlyId(ledger))?.row).toMatchObject({ waitMs: 3_600_000, class: 'async' });
    },
  );

  it('respond-async, wait=1: waits, then 202, and its time to live was given from the start', async ({
    front,
    ledger,
  }) => {
    const asked = front.post(body, { prefer: 'respond-async, wait=1' });
    await front.pass(750);
    expect(await told(await asked)).toEqual({ status: 202, fate: 'continuing' });
    expect(ledger.stored.get(onlyId(ledger))?.row.waitMs).toBe(3_600_000);
    expect(ledger.calls.decide).toBe(0);
  });

  it('parked: 202 continuing', async ({ front, ledger }) => {
    ledger.afterAccept = (id) => ledger.become(id, { state: 'parked' });
    expect(await told(await looked(front))).toEqual({ status: 202, fate: 'continuing' });
  });

  it('failed: 503 continuing with Location', async ({ front, ledger }) => {
    ledger.afterAccept = (id) => ledger.become(id, { state: 'failed' }, 3);
    const answer = await looked(front);
    expect(answer.headers.get('location')).toBe(`/identity/${onlyId(ledger)}`);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(60);
    expect(await told(answer)).toEqual({ status: 503, code: 'failed', fate: 'continuing' });
  });

  it('never claimed at the deadline: 503 not-issued, 250 ms before the wait ends', async ({ front, ledger }) => {
    const asked = front.post(body, oneSecond);
    await front.pass(749);
    expect([front.waiters.count, ledger.calls.decide]).toEqual([1, 0]);
    await front.pass(1);
    const answer = await asked;
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(answer.headers.get('preference-applied')).toBe('wait=1');
    expect(await told(answer)).toEqual({ status: 503, code: 'not-issued', fate: 'not-issued' });
    expect(ledger.stored.get(onlyId(ledger))?.ended.state).toBe('expired');
  });

  it('claimed before and queued again at the deadline: 503 withheld', async ({ front, ledger }) => {
    ledger.afterAccept = (id) => ledger.become(id, { state: 'queued' }, 1);
    expect(await told(await waited(front))).toEqual({ status: 503, code: 'withheld', fate: 'withheld' });
  });

  it('being signed at the deadline: 202 continuing with Location', async ({ front, ledger }) => {
    ledger.afterAccept = (id) => ledger.become(id, { state: 'signing' }, 1);
    const answer = await waited(front);
    expect(answer.headers.get('location')).toBe(`/identity/${onlyId(ledger)}`);
    expect(await told(answer)).toEqual({ status: 202, fate: 'continuing' });
  });

  it.for([
    ['ca-disabled', 409],
    ['lint-failed', 422],
  ] as const)('rejected by the signer with %s: %d not-issued', async ([code, status], { front, ledger }) => {
    ledger.afterAccept = (id) => ledger.become(id, { state: 'rejected', code, detail: 'as the signer says' });
    const answer = await looked(front);
    expect(await answer.json()).toMatchObject({ status, code, fate: 'not-issued', detail: 'as the signer says' });
    expect(answer.status).toBe(status);
  });

  it('cancelled: 409', async ({ front, ledger }) => {
    ledger.afterAccept = (id) => ledger.become(id, { state: 'cancelled' });
    expect(await told(await looked(front))).toEqual({ status: 409, code: 'cancelled', fate: 'cancelled' });
  });
});

describe('a ledger that does not say', () => {
  const unknown = { status: 503, code: 'outcome-unknown', fate: 'unknown' };

  it.for(['unavailable', 'lost-answer', 'hangs'] as const)(
    'decide: %s gives unknown with Location, in time',
    async (trouble, { front, ledger }) => {
      ledger.trouble.decide = trouble;
      const answer = await waited(front, trouble === 'hangs' ? 1000 : 750);
      expect(answer.headers.get('location')).toBe(`/identity/${onlyId(ledger)}`);
      expect(await told(answer)).toEqual(unknown);
      expect(front.waiters.count).toBe(0);
    },
  );

  it.for([
    ['lost-answer', unknown],
    ['hangs', unknown],
    ['unavailable', { status: 503, code: 'unavailable', fate: 'not-issued' }],
    ['fenced', { status: 503, code: 'fenced', fate: 'not-issued' }],
  ] as const)('accept: %s', async ([trouble, fate], { front, ledger }) => {
    ledger.trouble.accept = trouble;
    const asked = front.post(body, { ...oneSecond, 'idempotency-key': newKey() });
    await expect.poll(() => ledger.calls.accept).toBe(1);
    if (trouble === 'hangs') await front.clock.advance(1000);
    const answer = await asked;
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await told(answer)).toEqual(fate);
    expect(front.fenced).toBe(trouble === 'fenced' ? 1 : 0);
  });

  it.for(['unavailable', 'lost-answer', 'hangs'] as const)(
    'join: %s gives unknown: the key may have a request',
    async (trouble, { front, ledger }) => {
      ledger.trouble.join = trouble;
      const asked = front.post(body, { ...oneSecond, 'idempotency-key': newKey() });
      await expect.poll(() => ledger.calls.join).toBe(1);
      if (trouble === 'hangs') await front.clock.advance(1000);
      expect(await told(await asked)).toEqual(unknown);
      expect(ledger.calls.accept).toBe(0);
    },
  );

  it('reads that fail are repeated', async ({ front, ledger }) => {
    ledger.trouble.read = 'unavailable';
    ledger.afterAccept = (id) => ledger.issue(id);
    const asked = front.post();
    await front.pass(50);
    expect(ledger.calls.read).toBe(1);
    delete ledger.trouble.read;
    await front.pass(100);
    expect((await asked).status).toBe(201);
  });
});

describe('refused before anything is stored', () => {
  it.for([
    ['of-pending', 409, 'ca-pending'],
    ['of-disabled', 409, 'ca-disabled'],
    ['of-retiring', 409, 'ca-retiring'],
    ['of-destroying', 409, 'ca-destroying'],
    ['of-destroyed', 409, 'ca-destroyed'],
    ['switched-off', 409, 'profile-disabled'],
    ['foreign', 409, 'profile-unknown'],
    ['gone', 409, 'profile-unknown'],
  ])('profile %s: %d %s', async ([profile, status, code], { front, ledger }) => {
    const answer = await front.post({ ...body, profile });
    expect(answer.headers.get('retry-after')).toBeNull();
    expect(await told(answer)).toEqual({ status, code, fate: 'not-issued' });
    expect(ledger.calls.accept).toBe(0);
  });

  it('no key, a wrong key, and the key of a disabled account', async ({ front, ledger }) => {
    const answers = await Promise.all(
      ['', `Bearer slk_${'x'.repeat(43)}`, `Basic ${apiKey}`, `Bearer ${disabledApiKey}`].map(async (authorization) =>
        told(await front.post(body, { authorization })),
      ),
    );
    expect(answers.map(({ code }) => code)).toEqual([
      'unauthorized',
      'unauthorized',
      'unauthorized',
      'account-disabled',
    ]);
    expect(ledger.calls.accept).toBe(0);
  });

  it('a CSR that another key signed: 422 with the pointer', async ({ front, ledger }) => {
    const answer = await front.post({ ...body, csr: forgedCsr });
    expect(await answer.json()).toMatchObject({
      status: 422,
      code: 'csr-invalid',
      fate: 'not-issued',
      pointer: '/csr',
    });
    expect(ledger.calls.accept).toBe(0);
  });

  it('what the profile forbids: 422 with every finding', async ({ front, ledger }) => {
    const subject_dn = { country: 'DE', organization: 'Another' };
    const answer = await front.post({ ...body, subject_dn, san: { dns_names: ['a_b'] } });
    const said = (await answer.json()) as { pointer: string; code: string; findings: { pointer: string }[] };
    expect(said.code).toBe('subject-invalid');
    expect(said.findings.map(({ pointer }) => pointer).sort()).toEqual([
      '/san/dns_names/0',
      '/subject_dn/common_name',
      '/subject_dn/country',
      '/subject_dn/organization',
    ]);
    expect(said.findings.map(({ pointer }) => pointer)).toContain(said.pointer);
    expect(ledger.calls.accept).toBe(0);
  });
});

describe('a full lane', () => {
  it('503 lane-full before the CSR is verified; other lanes go on; what is not stored is given back', async () => {
    const front = await startFront({ openRequestsMax: 1 });
    const { ledger } = front;
    expect(await told(await front.post({ ...body, csr: forgedCsr }))).toMatchObject({ code: 'csr-invalid' });
    const waiting = front.post(body, { prefer: 'respond-async, wait=1' });
    await expect.poll(() => ledger.stored.size).toBe(1);
    const answer = await front.post({ ...body, csr: forgedCsr });
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await told(answer)).toEqual({ status: 503, code: 'lane-full', fate: 'not-issued' });
    expect((await front.post({ ...body, subject_dn: { common_name: 'b' } }, { prefer: 'wait=0' })).status).toBe(202);
    await front.pass(1000);
    expect((await waiting).status).toBe(202);
    const counted = await front.metrics();
    const labels = 'route="POST /identity",status="503",code="lane-full",service="identity-api"';
    expect(counted).toContain(`sluice_requests_total{${labels}} 1`);
    expect(counted).toContain('sluice_refusals_total{reason="lane-full",service="identity-api"} 1');
    await front.server.stop(100);
    expect(ledger.violations).toEqual([]);
  });
});

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
    expect(ledger.calls.accept).toBe(1);
    const other = await front.post({ ...body, subject_dn: { common_name: 'else' } }, headers);
    expect(await told(other)).toEqual({ status: 422, code: 'payload-mismatch', fate: undefined });
  });

  it('ends are replayed, even when the profile may no longer be used', async ({ front, ledger }) => {
    const headers = { 'idempotency-key': newKey() };
    ledger.afterAccept = (id) => ledger.become(id, { state: 'rejected', code: 'ca-retiring', detail: '' });
    const first = await told(await looked(front, headers));
    expect(await told(await front.post(body, headers))).toEqual(first);
    expect(first).toEqual({ status: 409, code: 'ca-retiring', fate: 'not-issued' });
    expect(ledger.calls.accept).toBe(1);
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
