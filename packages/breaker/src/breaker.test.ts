import { stat } from 'node:fs/promises';
import { type Code, codes, SluiceError } from '@sluice/errors';
import { type Disposition, dispositionOf, dispositions } from '@sluice/issuance';
import { createMetrics } from '@sluice/telemetry';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Breaker } from './breaker.js';
import { type Breakers, createBreakers } from './breakers.js';

const everyCode = Object.keys(codes) as Code[];
const codesOf = (disposition: Disposition): Code[] => everyCode.filter((code) => dispositionOf(code) === disposition);

let metrics: ReturnType<typeof createMetrics>;
let events: string[];
let breakers: Breakers;
/** What the dependency says to a probe. */
let answer: () => Promise<unknown>;
let probes: number;

beforeEach(() => {
  vi.useFakeTimers();
  metrics = createMetrics('test');
  events = [];
  probes = 0;
  answer = () => Promise.reject(new SluiceError('unavailable'));
  const note = (facts: object): void => void events.push(String('event' in facts ? facts.event : ''));
  breakers = createBreakers({ metrics, log: { info: note, warn: note, error: note } });
});
afterEach(() => void vi.useRealTimers());

const made = (backOff: 'dependency' | 'token-on-signer', more: { onClosed?: () => void } = {}): Breaker =>
  breakers.create({
    name: backOff === 'dependency' ? 'ledger' : 'token:file',
    backOff,
    probe: () => {
      probes += 1;
      return answer();
    },
    refuse: () => new SluiceError(backOff === 'dependency' ? 'unavailable' : 'token-failed', 'breaker'),
    ...more,
  });

const fail = (breaker: Breaker, code: Code): Promise<unknown> =>
  breaker.run(() => Promise.reject(new SluiceError(code))).catch((thrown: unknown) => thrown);
const succeed = (breaker: Breaker): Promise<string> => breaker.run(() => Promise.resolve('done'));
const failTimes = async (breaker: Breaker, times: number, code: Code): Promise<void> => {
  for (let count = 0; count < times; count += 1) await fail(breaker, code);
};

it.each(dispositions)('%s: opens the breaker of that whose fault it is, and no other', async (disposition) => {
  for (const code of codesOf(disposition)) {
    const dependency = made('dependency');
    const token = made('token-on-signer');
    await failTimes(dependency, 20, code);
    await failTimes(token, 20, code);
    expect([code, dependency.state() !== 'closed']).toEqual([code, disposition === 'infrastructure']);
    expect([code, token.state() !== 'closed']).toEqual([code, disposition === 'token']);
  }
});

it('no mix of failures that are nobody’s hardware ever opens one', async () => {
  const harmless = everyCode.filter((code) => !['infrastructure', 'token'].includes(dispositionOf(code)));
  expect(harmless).toEqual(expect.arrayContaining(['ca-disabled', 'csr-invalid', 'key-missing', 'internal']));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...harmless, undefined), { maxLength: 200 }), async (mix) => {
      const both = [made('dependency'), made('token-on-signer')];
      for (const code of mix) {
        for (const breaker of both) await (code === undefined ? succeed(breaker) : fail(breaker, code));
      }
      expect(both.map((breaker) => breaker.state())).toEqual(['closed', 'closed']);
    }),
    { numRuns: 50 },
  );
});

it('passes results and errors on as they are, also those of strangers', async () => {
  const breaker = made('dependency');
  await expect(succeed(breaker)).resolves.toBe('done');
  const stranger = new TypeError('x');
  await expect(breaker.run(() => Promise.reject(stranger))).rejects.toBe(stranger);
});

it('opens when more than half of the calls fail', async () => {
  const breaker = made('dependency');
  for (let count = 0; count < 10; count += 1) await succeed(breaker);
  await failTimes(breaker, 10, 'unavailable');
  expect(breaker.state()).toBe('closed');
  await fail(breaker, 'outcome-unknown');
  expect(breaker.state()).toBe('open');
});

it('open: refuses without calling; a probe a second finds out, and callers never do', async () => {
  const breaker = made('dependency');
  await failTimes(breaker, 3, 'unavailable');
  const call = vi.fn(() => Promise.resolve('done'));
  for (let second = 1; second <= 5; second += 1) {
    await expect(breaker.run(call)).rejects.toMatchObject({ code: 'unavailable', message: 'breaker' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(probes).toBe(second);
  }
  expect(call).not.toHaveBeenCalled();
  answer = () => Promise.resolve();
  await vi.advanceTimersByTimeAsync(1000);
  await expect(breaker.run(call)).resolves.toBe('done');
  expect(events).toEqual(['breaker-opened', 'breaker-closed']);
  const text = await metrics.registry.metrics();
  expect(text).toMatch(/sluice_breaker_state\{dependency="ledger",.*\} 0/);
  expect(text).toMatch(/sluice_breaker_opened_total\{dependency="ledger",.*\} 1/);
  expect(text).toMatch(/sluice_breaker_refused_total\{dependency="ledger",.*\} 5/);
});

it('a probe that hangs does not keep it shut for good', async () => {
  const breaker = made('dependency');
  answer = () => new Promise(() => undefined);
  await failTimes(breaker, 3, 'unavailable');
  await vi.advanceTimersByTimeAsync(1000);
  expect(breaker.state()).toBe('probing');
  await vi.advanceTimersByTimeAsync(2000);
  expect(breaker.state()).toBe('open');
  answer = () => Promise.resolve();
  await vi.advanceTimersByTimeAsync(1000);
  expect(breaker.state()).toBe('closed');
});

it('a probe that was answered while this process was held up was answered', async () => {
  vi.useRealTimers();
  const breaker = made('dependency');
  answer = () =>
    new Promise((resolve) => {
      setImmediate(() => {
        resolve(stat('/'));
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
      });
    });
  breaker.open();
  await expect.poll(() => probes, { timeout: 5000 }).toBe(1);
  await expect.poll(breaker.state).not.toBe('probing');
  expect(breaker.state()).toBe('closed');
});

it('a probe that is refused was answered: the token is there, that key is not', async () => {
  const onClosed = vi.fn();
  const breaker = made('token-on-signer', { onClosed });
  await failTimes(breaker, 3, 'token-failed');
  answer = () => Promise.reject(new SluiceError('key-missing'));
  await vi.advanceTimersByTimeAsync(1000);
  expect([breaker.state(), onClosed.mock.calls.length]).toEqual(['closed', 1]);
});

it('closed again, it begins to count anew: one more failure is not the last straw', async () => {
  const breaker = made('dependency');
  await failTimes(breaker, 3, 'unavailable');
  answer = () => Promise.resolve();
  await vi.advanceTimersByTimeAsync(1000);
  await failTimes(breaker, 2, 'unavailable');
  expect(breaker.state()).toBe('closed');
  await fail(breaker, 'unavailable');
  expect(breaker.state()).toBe('open');
});

it('failures are forgotten after ten seconds', async () => {
  const breaker = made('dependency');
  await failTimes(breaker, 2, 'unavailable');
  await vi.advanceTimersByTimeAsync(11_000);
  await failTimes(breaker, 2, 'unavailable');
  expect(breaker.state()).toBe('closed');
});

it('counts what was called elsewhere, and opens by hand', async () => {
  const counted = made('token-on-signer');
  for (let count = 0; count < 3; count += 1) counted.count(new SluiceError('token-failed'));
  const byHand = made('dependency');
  byHand.open();
  await vi.advanceTimersByTimeAsync(0);
  expect([counted.state(), byHand.state()]).toEqual(['open', 'open']);
  expect(breakers.states()).toEqual({ 'token:file': 'open', ledger: 'open' });
});

it('a call from before it opened that ends without an answer of its own does not close it while it is probed', async () => {
  const breaker = made('dependency');
  let giveUp = (): void => undefined;
  const earlier = breaker.run(
    () =>
      new Promise((_, reject) => {
        giveUp = () => reject(new SluiceError('body-invalid'));
      }),
  );
  answer = () => new Promise(() => undefined);
  breaker.open();
  await vi.advanceTimersByTimeAsync(1500);
  expect(breaker.state()).toBe('probing');
  giveUp();
  await expect(earlier).rejects.toThrow();
  expect(breaker.state()).toBe('open');
});
