import { codes, fates } from '@sluice/errors';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createClient } from './client.js';
import { createFakeService, type FakeAnswer, type FakeCall, id, issued, problem } from './testing/fake-service.js';
import { createVirtualClock } from './testing/virtual-clock.js';

const apiKey = `slk_${'k'.repeat(43)}`;
const order = { profile: 'tls-client', subject_dn: { common_name: 'unit' }, csr: 'a CSR' };

const anyProblem = fc
  .record({
    code: fc.constantFrom(...(Object.keys(codes) as (keyof typeof codes)[])),
    fate: fc.option(fc.constantFrom(...fates), { nil: undefined }),
    state: fc.option(fc.constantFrom('queued', 'rejected', 'cancelled', 'expired', 'failed'), { nil: undefined }),
    retryAfterS: fc.option(fc.nat(12), { nil: undefined }),
    afterMs: fc.nat(8000),
  })
  .map(({ code, fate, state, retryAfterS, afterMs }) => ({
    ...problem(code, { fate, state, id }, retryAfterS),
    afterMs,
  }));
const badGateway = { status: 502, json: '' };
const lost = fc.constantFrom<FakeAnswer>('refused', 'reset', 'silence', badGateway);
const late = fc.nat(9000).map((afterMs) => ({ ...issued, afterMs }));
const anyAnswer = fc.oneof({ weight: 4, arbitrary: anyProblem }, { weight: 3, arbitrary: lost }, late);

const isPermanent = ({ answer, answered }: FakeCall): boolean => {
  if (typeof answer === 'string' || !answered) return false;
  const { state } = answer.json as { state?: string };
  return state === 'rejected' || state === 'cancelled' || (answer.status < 500 && ![408, 429].includes(answer.status));
};
const retryAfterMs = ({ answer }: FakeCall): number =>
  typeof answer === 'string' ? 0 : Number(answer.headers?.['retry-after'] ?? 0) * 1000;
/** It may be accepted, and nobody has told us what of it. */
const isOnItsWay = ({ answer, answered }: FakeCall): boolean =>
  answer !== 'refused' && (!answered || answer === badGateway);

it('orders at most three times, under one key, in time, and never again after a permanent problem', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyAnswer, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1250, max: 40_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      async (answers, timeoutMs, random) => {
        const clock = createVirtualClock();
        const { calls, fetch } = createFakeService(clock, answers);
        const client = createClient({ baseUrl: 'http://sluice.example', apiKey, clock, fetch, random: () => random });
        const result = await clock.run(client.order(order, { timeoutMs }));
        expect(clock.monotonicMs()).toBeLessThanOrEqual(timeoutMs);

        const posts = calls.filter(({ method }) => method === 'POST');
        expect(posts.length).toBeLessThanOrEqual(3);
        expect(new Set(posts.map(({ headers }) => headers.get('idempotency-key'))).size).toBe(1);
        expect(new Set(posts.map(({ body }) => JSON.stringify(body))).size).toBe(1);
        for (const [at, post] of posts.entries()) {
          const waitS = Number(/^wait=([1-6])$/.exec(post.headers.get('prefer') ?? '')?.[1]);
          expect(post.atMs + waitS * 1000).toBeLessThanOrEqual(timeoutMs);
          const next = posts[at + 1];
          if (next === undefined) continue;
          expect(isPermanent(post)).toBe(false);
          if (post.answered) expect(next.atMs - (post.endedAtMs ?? 0)).toBeGreaterThanOrEqual(retryAfterMs(post));
        }
        // What may still be on its way can be issued: nothing else may be said of it.
        if (result.status === 'rejected' && ['not-issued', 'withheld'].includes(result.reason.code)) {
          if (posts.some(isOnItsWay)) expect(['not-issued', 'withheld']).not.toContain(result.reason.fate);
        }
      },
    ),
    { numRuns: 300 },
  );
});

it('retries at most ten times, and a tenth of what is served, whatever is answered', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyAnswer, { minLength: 40, maxLength: 80 }), async (answers) => {
      const clock = createVirtualClock();
      const { calls, fetch } = createFakeService(clock, answers);
      const client = createClient({ baseUrl: 'http://sluice.example', apiKey, clock, fetch, random: () => 0.5 });
      let orders = 0;
      while (calls.length < answers.length) {
        orders += 1;
        await clock.run(client.order(order, { respondAsync: true }));
      }
      expect(calls.length - orders).toBeLessThanOrEqual(10 + 0.1 * orders);
    }),
    { numRuns: 30 },
  );
});

it('hardly retries while the service is down, and does again when it is back', async () => {
  const clock = createVirtualClock();
  let down = true;
  const failing = createFakeService(clock, [problem('unavailable', {}, 1)]);
  const working = createFakeService(clock, [issued]);
  const fetch: typeof globalThis.fetch = (...call) => (down ? failing : working).fetch(...call);
  const client = createClient({ baseUrl: 'http://sluice.example', apiKey, clock, fetch, random: () => 0.5 });
  const orderOnce = () => clock.run(client.order(order));
  for (let orders = 0; orders < 200; orders += 1) await orderOnce();
  expect(failing.calls.length).toBe(210);
  expect(await orderOnce()).toMatchObject({ reason: { code: 'unavailable', gaveUp: 'budget', attempts: 1 } });
  down = false;
  for (let orders = 0; orders < 20; orders += 1) await orderOnce();
  down = true;
  expect(await orderOnce()).toMatchObject({ reason: { gaveUp: 'attempts', attempts: 3 } });
});
