import type { Acknowledgement } from '@sluice/ledger';
import { expect, it, vi } from 'vitest';
import { createAcknowledgementBatch } from './acknowledgement-batch.js';

type Ack = readonly Acknowledgement[];
const ack = (name: string, epoch: bigint): Acknowledgement => ({
  name,
  incarnation: 1n,
  epoch,
  nonce: Buffer.alloc(16),
});

/** A ledger that answers when it is told to. */
function slowLedger() {
  const asked: string[][] = [];
  const answers: (() => void)[] = [];
  const acknowledge = (acks: Ack) => {
    asked.push(acks.map(({ name }) => name));
    return new Promise<'acknowledged'[]>((resolve) => answers.push(() => resolve(acks.map(() => 'acknowledged'))));
  };
  return { asked, answer: () => answers.shift()?.(), batch: createAcknowledgementBatch(acknowledge) };
}

it('news goes at once; what comes while the ledger is busy shares the next statement', async () => {
  const { asked, answer, batch } = slowLedger();
  const first = batch.keep(ack('a', 1n));
  const others = ['b', 'c', 'd'].map((name) => batch.keep(ack(name, 1n)));
  expect(asked).toEqual([['a']]);
  answer();
  expect(await first).toBe('acknowledged');
  await vi.waitFor(() => expect(asked).toEqual([['a'], ['b', 'c', 'd']]));
  answer();
  expect(await Promise.all(others)).toEqual(Array(3).fill('acknowledged'));
});

it('signs of life wait for each other up to a second, and go with news that comes meanwhile', async () => {
  vi.useFakeTimers();
  try {
    const asked: string[][] = [];
    const batch = createAcknowledgementBatch(async (acks) => {
      asked.push(acks.map(({ name }) => name));
      return acks.map(() => 'acknowledged' as const);
    });
    await Promise.all(['a', 'b', 'c'].map((name) => batch.keep(ack(name, 1n))));
    asked.length = 0;
    const again = ['a', 'b'].map((name) => batch.keep(ack(name, 1n)));
    await vi.advanceTimersByTimeAsync(999);
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toEqual([['a', 'b']]);
    await Promise.all(again);
    const life = batch.keep(ack('a', 1n));
    const news = batch.keep(ack('b', 2n));
    await Promise.all([life, news]);
    expect(asked.at(-1)).toEqual(['a', 'b']);
  } finally {
    vi.useRealTimers();
  }
});

it('each hears its own verdict; a ledger that is away fails all of its batch, and what is said again is news', async () => {
  let away = true;
  const batch = createAcknowledgementBatch(async (acks) => {
    if (away) throw new Error('away');
    return acks.map(({ name }) => (name === 'a' ? 'acknowledged' : 'conflict'));
  });
  await expect(batch.keep(ack('a', 1n))).rejects.toThrow('away');
  away = false;
  expect(await Promise.all([batch.keep(ack('a', 1n)), batch.keep(ack('b', 1n))])).toEqual(['acknowledged', 'conflict']);
});
