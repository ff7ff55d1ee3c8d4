import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { within, withinHeard } from './within.js';

/** Holds up this thread and nobody else. */
const holdUp = (forMs: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);

/** Asks another thread, which answers at once. */
async function ask(): Promise<{ readonly answer: Promise<unknown> }> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
    parentPort.once('message', () => parentPort.postMessage('answer'));
    parentPort.postMessage('ready');`,
    { eval: true },
  );
  await once(worker, 'message');
  // From here the timers come first, and then what can be read.
  await setImmediate();
  const answer = once(worker, 'message');
  worker.postMessage('question');
  return { answer };
}

it('hears what came while it was held up, however long that was', async () => {
  const { answer } = await ask();
  const heard = withinHeard(500, answer);
  holdUp(1200);
  expect(await heard).toBe(true);
});

it('gives up when nothing comes, and passes a failure on', async () => {
  expect(await withinHeard(300, new Promise(() => undefined))).toBe(false);
  expect(await within(10, new Promise(() => undefined))).toBe(false);
  await expect(withinHeard(300, Promise.reject(new Error('no')))).rejects.toThrow('no');
});
