import { stat } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { inTime } from './in-time.js';

it('a token that answered while this process was held up has answered', async () => {
  const answer = inTime(300, stat('/'));
  // Nobody else is held up: the answer lies there unread when the time is over.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 800);
  expect((await answer).isDirectory()).toBe(true);
});

it('gives up a token that says nothing, and passes its failure on', async () => {
  await expect(inTime(300, new Promise(() => undefined))).rejects.toMatchObject({ code: 'token-failed' });
  await expect(inTime(300, Promise.reject(new Error('no')))).rejects.toThrow('no');
});
