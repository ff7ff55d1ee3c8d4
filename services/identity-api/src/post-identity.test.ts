import { parseCsr, publicKeyHash } from '@sluice/pki';
import { describe, expect } from 'vitest';
import { it, looked, oneSecond, onlyId, told, waited } from './testing/front-test.js';
import { apiKey, body, disabledApiKey, forgedCsr, newKey, startFront } from './testing/start-front.js';

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
      epoch: 7n,
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
    await front.pass(199);
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
    ['ca-disabled', 409, false, 'not-issued'],
    ['lint-failed', 422, false, 'not-issued'],
    // A serial was burned for it before: "no signature was begun" would be a lie.
    ['ca-disabled', 409, true, 'withheld'],
  ] as const)('rejected with %s: %d, withheld: %s, %s', async ([code, status, withheld, fate], { front, ledger }) => {
    const detail = 'as the signer says';
    ledger.afterAccept = (id) => ledger.become(id, { state: 'rejected', code, detail, withheld });
    const answer = await looked(front);
    expect(await answer.json()).toMatchObject({ status, code, fate, detail });
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
    ['broken', { status: 500, code: 'internal', fate: 'unknown' }],
    // Of this call nothing was stored; its twin may be committing elsewhere.
    ['unavailable', { status: 503, code: 'unavailable', fate: 'unknown' }],
    ['fenced', { status: 503, code: 'fenced', fate: 'unknown' }],
    ['stale-snapshot', { status: 503, code: 'stale-snapshot', fate: 'unknown' }],
  ] as const)('accept: %s', async ([trouble, fate], { front, ledger }) => {
    ledger.trouble.accept = trouble;
    const asked = front.post(body, { ...oneSecond, 'idempotency-key': newKey() });
    await expect.poll(() => ledger.calls.accept).toBe(1);
    if (trouble === 'hangs') await front.clock.advance(1000);
    const answer = await asked;
    expect(answer.headers.has('retry-after')).toBe(fate.status === 503);
    expect(await told(answer)).toEqual(fate);
    expect(front.fenced).toBe(trouble === 'fenced' || trouble === 'stale-snapshot' ? 1 : 0);
  });

  it.for(['unavailable', 'lost-answer', 'hangs'] as const)(
    'the look-up before a refusal: %s gives unknown: the key may have a request',
    async (trouble, { front, ledger }) => {
      ledger.trouble.join = trouble;
      const asked = front.post({ ...body, profile: 'of-disabled' }, { ...oneSecond, 'idempotency-key': newKey() });
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
    await front.pass(200);
    expect(ledger.calls.read).toBe(1);
    delete ledger.trouble.read;
    await front.pass(400);
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
    ['for-cas', 409, 'profile-unknown'],
    ['gone', 409, 'profile-unknown'],
  ])('profile %s: %d %s', async ([profile, status, code], { front, ledger }) => {
    const answer = await front.post({ ...body, profile });
    expect(answer.headers.get('retry-after')).toBeNull();
    expect(await told(answer)).toEqual({ status, code, fate: 'not-issued' });
    expect(ledger.calls.accept).toBe(0);
  });

  it.for([
    ['of-retiring', 409, 'ca-retiring'],
    ['switched-off', 409, 'profile-disabled'],
    ['gone', 409, 'profile-unknown'],
  ])(
    'under a key, profile %s: %d %s, fate unknown: its twin may be committing elsewhere',
    async ([profile, status, code], { front }) => {
      const answer = await front.post({ ...body, profile }, { 'idempotency-key': newKey() });
      expect(await told(answer)).toEqual({ status, code, fate: 'unknown' });
      expect(await front.metrics()).toContain(`sluice_refusals_total{reason="${code}",service="identity-api"} 1`);
    },
  );

  it('a blocked key: 409 with the pointer; under an Idempotency-Key unknown, as a twin may have come before the block', async () => {
    const blocking = await startFront({ blockedKeys: [publicKeyHash(parseCsr(body.csr).spki)] });
    const answer = await blocking.post();
    const said = { status: 409, code: 'key-blocked', pointer: '/csr' };
    expect(await answer.json()).toMatchObject({ ...said, fate: 'not-issued' });
    const keyed = await blocking.post(body, { 'idempotency-key': newKey() });
    expect(await keyed.json()).toMatchObject({ ...said, fate: 'unknown' });
    expect(blocking.ledger.calls.accept).toBe(0);
    await blocking.server.stop(100);
  });

  it('under a key, a payload with a fault: not-issued, as its twin is refused too', async ({ front }) => {
    const answer = await front.post({ ...body, csr: forgedCsr }, { 'idempotency-key': newKey() });
    expect(await told(answer)).toEqual({ status: 422, code: 'csr-invalid', fate: 'not-issued' });
  });

  it.for(['unavailable', 'fenced', 'stale-snapshot'] as const)(
    'without a key, accept: %s is not-issued',
    async (code, { front, ledger }) => {
      ledger.trouble.accept = code;
      expect(await told(await front.post())).toEqual({ status: 503, code, fate: 'not-issued' });
    },
  );

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
    const answer = await front.post({ ...body, subject_dn: { common_name: 'another' }, csr: forgedCsr });
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await told(answer)).toEqual({ status: 503, code: 'lane-full', fate: 'not-issued' });
    const keyed = await front.post({ ...body, csr: forgedCsr }, { 'idempotency-key': newKey() });
    expect(keyed.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await told(keyed)).toEqual({ status: 503, code: 'lane-full', fate: 'unknown' });
    expect((await front.post({ ...body, subject_dn: { common_name: 'b' } }, { prefer: 'wait=0' })).status).toBe(202);
    await front.pass(1000);
    expect((await waiting).status).toBe(202);
    const counted = await front.metrics();
    const labels = 'route="POST /identity",status="503",code="lane-full",service="identity-api"';
    expect(counted).toContain(`sluice_requests_total{${labels}} 2`);
    expect(counted).toContain('sluice_refusals_total{reason="lane-full",service="identity-api"} 2');
    await front.server.stop(100);
    expect(ledger.violations).toEqual([]);
  });
});
