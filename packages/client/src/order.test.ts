import { generateKeyPairSync } from 'node:crypto';
import { type Code, codes } from '@sluice/errors';
import { describe, expect, it } from 'vitest';
import type { CallError } from './call-error.js';
import { createClient, type OrderOptions } from './client.js';
import {
  continuing,
  createFakeService,
  type FakeAnswer,
  id,
  issued,
  open,
  problem,
  read,
} from './testing/fake-service.js';
import { createVirtualClock } from './testing/virtual-clock.js';

const apiKey = `slk_${'k'.repeat(43)}`;
const order = { profile: 'tls-client', subject_dn: { common_name: 'unit' }, csr: 'a CSR' };

function setUp(...answers: FakeAnswer[]) {
  const clock = createVirtualClock();
  const service = createFakeService(clock, answers);
  const client = createClient({
    ...{ baseUrl: 'https://sluice.example/', apiKey, clock, fetch: service.fetch },
    ...{ random: () => 0.5, newKey: () => 'key-1' },
  });
  const run = async (options?: OrderOptions) => outcomeOf(await clock.run(client.order(order, options)));
  return { clock, calls: service.calls, client, run };
}

function outcomeOf<T>(result: PromiseSettledResult<T>): T | CallError {
  return result.status === 'fulfilled' ? result.value : result.reason;
}

describe('an order', () => {
  it('goes with a key of its own, and is answered with the certificate', async () => {
    const { run, calls } = setUp(issued);
    expect(await run()).toMatchObject({ fate: 'issued', id, serial: '40512b73', chain: ['its CA', 'the root'] });
    expect(calls).toHaveLength(1);
    const [{ method, path, headers, body } = {}] = calls;
    expect({ method, path, body }).toEqual({ method: 'POST', path: '/identity', body: order });
    expect(Object.fromEntries(headers ?? [])).toMatchObject({
      ...{ authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      ...{ 'idempotency-key': 'key-1', prefer: 'wait=6' },
    });
  });

  it.each([
    ['the connection was lost', 'reset'],
    ['nobody listened', 'refused'],
    ['nothing came', 'silence'],
    ['half of it came', { status: 201, json: '{"id": "01a1' }],
    ['something else came', { status: 200, json: '<html>' }],
    ['a proxy answered', { status: 502, json: 'Bad Gateway' }],
    ['it did not begin in time', problem('not-issued', { fate: 'not-issued', id }, 2)],
    ['it was given up in time', problem('withheld', { fate: 'withheld', id }, 2)],
    ['the ledger did not say', problem('outcome-unknown', { fate: 'unknown' }, 1)],
    ['the lane was full', problem('lane-full', { fate: 'unknown' }, 4)],
    ['the process was stopping', problem('draining', {}, 1)],
    ['it was sent too fast', problem('rate-limited', { fate: 'unknown' }, 2)],
    ['it is issued, and its CA not yet known there', problem('stale-snapshot', { fate: 'continuing', id }, 2)],
  ] satisfies [string, FakeAnswer][])('joins by its key when %s', async (_what, first) => {
    const { run, calls } = setUp(first, issued);
    expect(await run()).toMatchObject({ fate: 'issued' });
    expect(calls.map(({ headers }) => headers.get('idempotency-key'))).toEqual(['key-1', 'key-1']);
    expect(calls[1]?.body).toEqual(calls[0]?.body);
  });

  it.each([
    ['seconds', '7', 7000],
    ['a date', new Date(9000).toUTCString(), 9000],
    ['neither', 'soon', 0],
  ])('comes again no sooner than Retry-After: %s', async (_what, header, leastMs) => {
    const full = { ...problem('lane-full'), headers: { 'retry-after': header } };
    const { run, calls } = setUp(full, issued);
    await run();
    const [first, second] = calls;
    const passedMs = (second?.atMs ?? 0) - (first?.endedAtMs ?? 0);
    // And half of the jitter.
    expect(Math.round(passedMs)).toBe(Math.max(leastMs - (leastMs === 9000 ? 20 : 0), 0) + 250);
  });

  it('is given up at once when Retry-After is beyond the deadline, and says when', async () => {
    const { run, calls } = setUp(problem('rate-limited', { fate: 'not-issued' }, 120));
    expect(await run()).toMatchObject({ code: 'rate-limited', gaveUp: 'deadline', retryAfterMs: 120_000, attempts: 1 });
    expect(calls).toHaveLength(1);
  });

  it('asks for no longer a wait than its deadline leaves', async () => {
    const { run, calls, clock } = setUp('silence');
    expect(await run({ timeoutMs: 5000 })).toMatchObject({ code: 'no-answer', fate: 'unknown', gaveUp: 'deadline' });
    expect(calls.map(({ headers }) => headers.get('prefer'))).toEqual(['wait=4']);
    expect(clock.monotonicMs()).toBe(5000);
  });

  it('leaves at the signal, and hangs up', async () => {
    const { client, clock, calls } = setUp('silence');
    const stop = new AbortController();
    clock.after(1000, () => stop.abort(new Error('no longer wanted')));
    const result = await clock.run(client.order(order, { signal: stop.signal }));
    expect(result).toMatchObject({ reason: new Error('no longer wanted') });
    expect(calls.map(({ endedAtMs }) => endedAtMs)).toEqual([1000]);
  });

  it('leaves at the signal between two attempts, too', async () => {
    const { client, clock, calls } = setUp(problem('lane-full', {}, 4));
    const stop = new AbortController();
    clock.after(1000, () => stop.abort(new Error('no longer wanted')));
    const result = await clock.run(client.order(order, { signal: stop.signal }));
    expect(result).toMatchObject({ reason: new Error('no longer wanted') });
    expect([calls.length, clock.monotonicMs()]).toEqual([1, 1000]);
  });

  it('is not even sent under a signal that has been given', async () => {
    const { client, clock, calls } = setUp(issued);
    const result = await clock.run(client.order(order, { signal: AbortSignal.abort(new Error('before')) }));
    expect(result).toMatchObject({ reason: new Error('before') });
    expect(calls).toEqual([]);
  });
});

describe('each code', () => {
  /** By HTTP status: permanent, or what may pass. */
  const attempts: Readonly<Record<number, number>> = {
    ...{ 400: 1, 401: 1, 403: 1, 404: 1, 405: 1, 409: 1, 413: 1, 415: 1, 422: 1, 431: 1 },
    ...{ 408: 3, 429: 3, 500: 3, 503: 3 },
  };
  it.each(Object.keys(codes) as Code[])('%s is told as it is, and tried again only if it may pass', async (code) => {
    const { run, calls } = setUp(problem(code, { fate: 'unknown' }));
    const { status } = codes[code];
    const error = await run();
    const gaveUp = attempts[status] === 1 ? 'permanent' : 'attempts';
    expect(error).toMatchObject({ name: 'CallError', code, status, fate: 'unknown', gaveUp, idempotencyKey: 'key-1' });
    expect(error).toMatchObject({ problem: { detail: codes[code].title, what_to_do: codes[code].whatToDo } });
    expect(calls).toHaveLength(attempts[status] ?? -1);
  });

  it.each(['rejected', 'cancelled'])('is not tried again when the request is %s, whatever it says', async (state) => {
    const { run, calls } = setUp(problem('token-failed', { fate: 'not-issued', state, id }));
    expect(await run()).toMatchObject({ fate: 'not-issued', id, gaveUp: 'permanent' });
    expect(calls).toHaveLength(1);
  });

  it('may be one that this client does not know yet', async () => {
    const { run } = setUp({ status: 409, json: unheardOf });
    expect(await run()).toMatchObject({ code: 'unheard-of', status: 409, problem: unheardOf });
  });
  const unheardOf = { code: 'unheard-of', title: 'New', detail: 'new', what_to_do: 'Look.', status: 409, type: '/x' };
});

describe('a fate', () => {
  const expired = problem('not-issued', { fate: 'not-issued', id });
  const withheld = problem('withheld', { fate: 'withheld', id });
  const unauthorized = problem('unauthorized');
  it.each([
    ['as told', [expired], undefined, 'not-issued'],
    ['as told, of a burned serial', [withheld], undefined, 'withheld'],
    ['unknown, when an attempt without an answer may begin it anew', ['reset', expired], undefined, 'unknown'],
    ['the same, after a burned serial', ['silence', withheld], undefined, 'unknown'],
    ['the same, when a proxy answered', [{ status: 504, json: '' }, expired], undefined, 'unknown'],
    ['as told, when there was no connection before', ['refused', expired], undefined, 'not-issued'],
    ['as told, of an end that is replayed', ['reset', problem('ca-disabled', rejected())], undefined, 'not-issued'],
    ['not issued, when nothing was stored', [unauthorized], undefined, 'not-issued'],
    ['unknown, when the key was used before', [unauthorized], 'an older key', 'unknown'],
    ['unknown, after an attempt without an answer', ['reset', unauthorized], undefined, 'unknown'],
    ['not issued, when nobody ever listened', ['refused'], undefined, 'not-issued'],
    ['unknown, when nobody listened to a key used before', ['refused'], 'an older key', 'unknown'],
    ['unknown, without an answer', ['reset'], undefined, 'unknown'],
  ] satisfies [string, FakeAnswer[], string | undefined, string][])('is %s', async (_what, answers, key, fate) => {
    const { run } = setUp(...answers);
    expect(await run({ idempotencyKey: key })).toMatchObject({ name: 'CallError', fate });
  });
  function rejected() {
    return { fate: 'not-issued', state: 'rejected', id };
  }
});

describe('what goes on', () => {
  it('is followed until it is issued', async () => {
    const { run, calls } = setUp(continuing(202, 'signing', 1), open('signing'), continuing(200, 'parked', 3), read);
    expect(await run()).toMatchObject({ fate: 'issued', id });
    expect(calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /identity',
      ...Array(3).fill(`GET /identity/${id}`),
    ]);
  });

  it('is left as it stands at the deadline', async () => {
    const { run, clock } = setUp(continuing(202, 'signing', 1), open('queued'));
    expect(await run({ timeoutMs: 10_000 })).toEqual({ fate: 'continuing', id, state: 'queued', lookAgainMs: 1000 });
    expect(clock.monotonicMs()).toBeLessThanOrEqual(10_000);
  });

  it('is left at once by who did not want to wait', async () => {
    const { run, calls } = setUp(continuing(202, 'queued', 2));
    expect(await run({ respondAsync: true })).toEqual({ fate: 'continuing', id, state: 'queued', lookAgainMs: 2000 });
    expect(calls[0]?.headers.get('prefer')).toBe('respond-async');
    expect(calls).toHaveLength(1);
  });

  it('may have used up its attempts: an operator decides, and nobody orders it again', async () => {
    const failed = problem('failed', { fate: 'continuing', state: 'failed', id }, 60);
    const { run, calls } = setUp(failed);
    expect(await run()).toEqual({ fate: 'continuing', id, state: 'failed', lookAgainMs: 60_000 });
    expect(calls).toHaveLength(1);
  });

  it('still goes on when it cannot be looked at', async () => {
    const { run, calls } = setUp(continuing(202, 'signing', 1), problem('unavailable', { fate: 'unknown' }, 2));
    expect(await run()).toMatchObject({ fate: 'continuing', id, state: 'signing' });
    expect(calls).toHaveLength(4);
  });

  it('ends without a certificate as an error, which carries the key of the order', async () => {
    const { run, calls } = setUp(continuing(202, 'queued', 1), problem('not-issued', { fate: 'not-issued', id }, 2));
    expect(await run()).toMatchObject({ code: 'not-issued', fate: 'not-issued', idempotencyKey: 'key-1', id });
    // Looking again would find the same.
    expect(calls).toHaveLength(2);
  });
});

describe('a key without a CSR', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const nonce: FakeAnswer = { status: 200, json: { nonce: 'n-1', account: 'demo', expires_at: 'soon' } };
  const byKey = { profile: 'tls-client', subject_dn: {}, key: privateKey };

  it('is proven over a nonce, which serves for the next attempt, too', async () => {
    const { client, clock, calls } = setUp(nonce, 'reset', issued);
    expect(await clock.run(client.order(byKey))).toMatchObject({ value: { fate: 'issued' } });
    expect(calls.map(({ path }) => path)).toEqual(['/nonce', '/identity', '/identity']);
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    expect(calls[1]?.body).toMatchObject({ public_key: pem, proof: { nonce: 'n-1' } });
    expect(JSON.stringify(calls.map(({ body }) => body))).not.toContain('PRIVATE');
  });

  it.each([
    ['is refused', problem('account-disabled'), 'account-disabled', 1],
    ['cannot be had', problem('unavailable', {}, 1), 'unavailable', 3],
    ['never comes', 'silence', 'no-answer', 1],
  ] satisfies [string, FakeAnswer, string, number][])(
    'is not ordered for when the nonce %s: nothing was stored',
    async (_what, answer, code, attempts) => {
      const { client, clock, calls } = setUp(answer);
      const result = await clock.run(client.order(byKey));
      expect(result).toMatchObject({ reason: { code, attempts, fate: 'not-issued' } });
      expect(new Set(calls.map(({ path }) => path))).toEqual(new Set(['/nonce']));
      expect(clock.monotonicMs()).toBeLessThanOrEqual(30_000);
    },
  );

  it.each([
    ['public', publicKey],
    ['of another kind', generateKeyPairSync('x25519').privateKey],
  ])('is refused here when it is %s', async (_what, key) => {
    const { client, clock, calls } = setUp(nonce);
    expect(await clock.run(client.order({ ...byKey, key }))).toMatchObject({ reason: { code: 'key-weak' } });
    expect(calls).toEqual([]);
  });
});
