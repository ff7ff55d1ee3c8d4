import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createSilenceWatch, type SilenceWatch } from './silence-watch.js';

let there: boolean;
let asked: number;
let onSilent: ReturnType<typeof vi.fn<() => void>>;
let watch: SilenceWatch;

beforeEach(() => {
  vi.useFakeTimers();
  there = true;
  asked = 0;
  onSilent = vi.fn();
  watch = createSilenceWatch({
    isThere: async () => {
      asked += 1;
      return there;
    },
    onSilent,
  });
});
afterEach(() => {
  watch.stop();
  vi.useRealTimers();
});

const never = (): Promise<never> => new Promise(() => undefined);

it('asks nothing while answers come, however many', async () => {
  for (let second = 0; second < 10; second += 1) {
    await watch.during(Promise.resolve());
    await watch.during(Promise.reject(new Error('no'))).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect([asked, onSilent.mock.calls.length]).toEqual([0, 0]);
});

it('a slow answer of a server that answers others is let be', async () => {
  void watch.during(never());
  await vi.advanceTimersByTimeAsync(8000);
  expect(asked).toBeGreaterThan(3);
  expect(onSilent).not.toHaveBeenCalled();
});

it('a slow answer and no other within 4 s: silent', async () => {
  there = false;
  void watch.during(never());
  await vi.advanceTimersByTimeAsync(4000);
  expect(onSilent).toHaveBeenCalled();
});

it('time in which the process itself was held up is no silence', async () => {
  vi.useRealTimers();
  const held = createSilenceWatch({ isThere: () => Promise.resolve(false), onSilent });
  let answer: (() => void) | undefined;
  const waiting = held.during(
    new Promise<void>((resolve) => {
      answer = resolve;
    }),
  );
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3500);
  await new Promise((resolve) => setTimeout(resolve, 600));
  answer?.();
  await waiting;
  held.stop();
  expect(onSilent).not.toHaveBeenCalled();
});

it('an answer that came while it asked is an answer', async () => {
  let answer: (() => void) | undefined;
  void watch.during(
    new Promise<void>((resolve) => {
      answer = resolve;
    }),
  );
  there = false;
  await vi.advanceTimersByTimeAsync(3000);
  answer?.();
  await vi.advanceTimersByTimeAsync(4000);
  expect(onSilent).not.toHaveBeenCalled();
});

it('slow calls that give up while it asks have had no answer', async () => {
  const waits = createSilenceWatch({
    isThere: () => new Promise((resolve) => setTimeout(resolve, 2500, false)),
    onSilent,
  });
  const givenUp = waits.during(new Promise((_, reject) => setTimeout(reject, 5000, new Error('no answer'))));
  await Promise.all([expect(givenUp).rejects.toThrow(), vi.advanceTimersByTimeAsync(8000)]);
  waits.stop();
  expect(onSilent).toHaveBeenCalled();
});
